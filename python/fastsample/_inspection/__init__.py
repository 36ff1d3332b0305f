"""What is in a data set: files, columns, lengths of texts."""
