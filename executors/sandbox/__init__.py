"""The levels at which a script can be held, from namespaces to none."""
