"""Create tasks from a user's table or from a competition of MLE-bench."""
