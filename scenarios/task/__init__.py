"""A task on disk: manifest, tables, splits, side files, and checks of its files."""
