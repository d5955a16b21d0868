"""Turn a plan into the text of a script. `compose` is the entry point; `templates/` has the parts of the script."""
