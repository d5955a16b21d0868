"""What a log says, as folds: steps, scores, timeline, usage, lineage. No screen and no file."""
