"""Grading against private answers, as MLE-bench does, and its validation server."""
