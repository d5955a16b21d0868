"""The roles of the ring. Each handles some messages and returns others; `team` seats them."""
