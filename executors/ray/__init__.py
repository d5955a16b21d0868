"""Scripts on many machines: each launch is a task of a Ray cluster that runs the local executor on its node."""
