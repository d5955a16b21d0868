"""State of a run computed from its messages: steps, scores, timeline, usage, lineage. No output here."""
