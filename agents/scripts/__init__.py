"""Running a solution: one script on one view of the data, on all splits, and its predictions put together."""
