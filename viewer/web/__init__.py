"""Web pages: the report file, and the live pages of `gome view`."""
