"""Run a solution: one script on one view of the data, on all splits, and combine its predictions."""
