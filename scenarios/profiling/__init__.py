"""What a task's data look like: types, gaps, sample rows, shifts between training and test."""
