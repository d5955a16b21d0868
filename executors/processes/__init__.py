"""Process trees: start, measure, limit and end them, and collect their files."""
