"""Messages of a log, listed and shown in full, for the command line and the live pages."""
