"""Pages for a browser: the report file, and live pages on this machine."""
