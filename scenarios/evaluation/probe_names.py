"""Names of the probe views (`probes`). A separate module, so that readers of a log need not import pandas."""

__all__ = ["HALF", "PROBE"]

PROBE, HALF = "probe", "half"
