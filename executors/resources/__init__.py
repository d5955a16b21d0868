"""What scripts need: slots, GPUs, memory, an interpreter and its packages."""
