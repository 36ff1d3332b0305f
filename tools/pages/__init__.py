"""Pages that fastsample makes, looked at in a real browser: accessibility, screenshots, print."""
