"""Run scripts on many machines: each launch is a Ray task that runs the local executor on its node."""
