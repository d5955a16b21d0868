"""A run watched in a terminal."""
