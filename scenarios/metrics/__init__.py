"""Metrics and their formulas."""
