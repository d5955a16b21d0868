"""Backends: models, and what stands in for them, that answer typed requests."""
