"""A sample held against its source."""
