"""Benchmarks: each figure of the README and the docs is made by one of these commands."""
