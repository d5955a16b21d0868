"""A run as a whole: start, resume, replay, predict, check; and the resources it needs on this machine."""
