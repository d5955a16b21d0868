"""From a plan to the text of a script. `compose` is the entry; templates are beside it."""
