"""Verification: the loss of two models on held-out rows, with a paired interval."""
