"""Inspection of a data set: files, columns, lengths of texts."""
