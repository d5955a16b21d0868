"""A task on disk: manifest, tables, splits, side files, and the checks that it is whole."""
