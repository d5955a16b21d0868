"""Comparison of optimizers at different simulated skills: `python -m benchmarks.crossover`."""
