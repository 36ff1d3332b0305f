//! A sample beside its source.
