"""Benchmarks: data, the peers, the floor, and the runner that puts them in one table."""
