"""Strict YAML reading: reports all problems of a file at once, each with line and column."""
