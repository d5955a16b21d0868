"""Cost of a trial compared with an earlier version of the code: `python -m benchmarks.trial`."""
