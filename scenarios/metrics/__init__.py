"""The metrics by name, and their formulas."""
