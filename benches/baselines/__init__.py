"""What fastsample is measured against, each contender runnable as a fresh process."""
