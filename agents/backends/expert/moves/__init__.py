"""The moves that the expert knows: single changes of a plan, by subject. `catalogue` lists them."""
