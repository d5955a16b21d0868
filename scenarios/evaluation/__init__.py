"""The harness: views that scripts are given, checks of what they predict, scores, probes."""
