"""Profile of a task's data: types, missing values, sample rows, shifts between training and test."""
