"""Sandbox levels, from namespaces to none."""
