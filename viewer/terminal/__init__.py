"""Displays of a running run in the terminal."""
