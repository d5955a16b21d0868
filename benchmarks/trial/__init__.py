"""What a trial costs, against another version of the code: `python -m benchmarks.trial`."""
