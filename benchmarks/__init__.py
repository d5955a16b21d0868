"""Benchmarks: comparative measurements, each run by one command."""
