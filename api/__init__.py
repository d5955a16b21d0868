"""The Python interface: start a run from Python, read a run, scikit-learn's estimators. `gome` exports its names."""
