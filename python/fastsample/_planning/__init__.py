"""Training time: hours now, and with a sample, fewer epochs or shorter texts."""
