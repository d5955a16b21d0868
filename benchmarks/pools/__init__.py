"""Reference solutions: each task has a frozen pool, whose scores on the private test are the task's leaderboard."""
