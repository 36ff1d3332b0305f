"""Comparison of a sample with its source."""
