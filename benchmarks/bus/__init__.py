"""Cost of a message on the bus: `python -m benchmarks.bus`."""
