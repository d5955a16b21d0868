"""What all language models share: prompts, reply schemas, retries, and code read out of answers."""
