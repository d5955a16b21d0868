"""The harness: views of the data for scripts, checks of their predictions, scores, probes."""
