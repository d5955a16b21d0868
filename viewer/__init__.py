"""Read-only views of a run's log: tables, live view, report."""
