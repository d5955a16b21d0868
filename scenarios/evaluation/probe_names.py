"""The names of the views on which solutions are probed (`probes`). Apart, so that a log is read without the tables."""

__all__ = ["HALF", "PROBE"]

PROBE, HALF = "probe", "half"
