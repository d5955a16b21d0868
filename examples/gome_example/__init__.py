"""One extension of each kind for gome. Installed beside it, their names can be used in scenarios and tasks."""
