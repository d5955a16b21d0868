"""YAML read strictly: every problem of a file at once, each with its line and column."""
