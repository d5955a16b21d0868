"""The offline expert on tables it was not built on: `python -m benchmarks.unseen`. The rule is in docs/unseen.md."""
