"""The nine built-in tasks with the expert: `python -m benchmarks.tasks`."""
