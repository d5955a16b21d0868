"""Resources of scripts: slots, GPUs, memory, the interpreter and its packages."""
