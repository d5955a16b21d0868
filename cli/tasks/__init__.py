"""Commands about tasks and grades."""
