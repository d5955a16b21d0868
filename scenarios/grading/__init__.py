"""Grading by private answers as in MLE-bench, and its validation server."""
