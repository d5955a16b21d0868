"""Shared by all language-model backends: prompts, reply schemas, retries, and code extracted from answers."""
