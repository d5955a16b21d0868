"""Reference solutions: a frozen pool for each task, scored once on the private test, is the task's leaderboard."""
