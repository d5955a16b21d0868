"""The command line: commands write and start; what they show is read by `viewer`. `app` is the entry."""
