"""Experiment trackers: a run and its trials, as MLflow and Weights & Biases hold them."""
