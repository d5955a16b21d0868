"""The reference solutions, one module per task."""
