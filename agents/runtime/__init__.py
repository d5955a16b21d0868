"""A run as a whole: opened, resumed, replayed, and what it needs of this machine."""
