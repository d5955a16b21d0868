"""The exported package: a run's solution as a folder that predicts new rows without gome."""
