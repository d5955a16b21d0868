"""Commands that start, continue, check or repeat runs."""
