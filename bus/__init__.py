"""Message bus over a durable log: messages, cursors, actors, supervision. Contains nothing about machine learning."""
