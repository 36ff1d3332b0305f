"""The tools that fastsample is compared with, each runnable as a fresh process."""
