"""`python -m fastsample` is the command line."""

from fastsample.cli import main

main()
