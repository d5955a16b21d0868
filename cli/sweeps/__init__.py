"""Sweeps: run a scenario with every combination of settings, each in its own process, and tabulate the results."""
