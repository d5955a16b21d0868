"""A scenario file: its settings, how it is loaded, prices of models."""
