"""The `openai` backend: any OpenAI-compatible endpoint."""
