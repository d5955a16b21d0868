"""What a message costs: `python -m benchmarks.bus`."""
