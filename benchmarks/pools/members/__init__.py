"""The reference solutions, one module a task."""
