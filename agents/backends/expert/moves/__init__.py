"""The expert's moves: single changes of a plan, grouped by subject. `catalogue` lists all of them."""
