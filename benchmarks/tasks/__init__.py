"""Results of the expert on the nine built-in tasks: `python -m benchmarks.tasks`."""
