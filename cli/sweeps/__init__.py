"""Many runs as one: the settings of a scenario crossed, each conducted in a process of its own, and one table."""
