"""Does a sample teach? Two language models judge samples of the same size: see README.md."""
