"""The protocol of the ring: its messages, the questions to reasoners, and the types that both are made of."""
