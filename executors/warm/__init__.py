"""Scripts as forks of warm interpreters, which have imported the libraries already."""
