"""Commands that read a run's log."""
