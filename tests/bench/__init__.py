"""Benchmarks: each beside a floor or a peer in the same run, never an assertion on time in a test."""
