"""Benchmarks: generated data, peers, the floor, and the runner that makes one table of them."""
