"""Optimizers against one another over simulated skill: `python -m benchmarks.crossover`."""
