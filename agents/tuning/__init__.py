"""Search the constants that a script declares: read and write them, suggest settings, race these."""
