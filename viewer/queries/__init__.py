"""Queries for the command line and the live pages: list messages, show one in full, list runs."""
