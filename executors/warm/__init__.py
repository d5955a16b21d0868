"""Run scripts as forks of warm interpreters, which have already imported the libraries."""
