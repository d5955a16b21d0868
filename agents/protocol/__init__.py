"""The protocol of the agents: messages, requests to models with their replies, and the types that both use."""
