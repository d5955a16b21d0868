"""State of the roles, computed from messages: a trace, the memory of the run, its budget and deadlines."""
