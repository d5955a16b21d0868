"""gome: machine-learning engineering as gradient descent, by teams of agents over one durable log."""
