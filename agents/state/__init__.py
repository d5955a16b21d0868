"""What roles remember, as folds over messages: a trace, the memory of the run, its budget and deadlines."""
