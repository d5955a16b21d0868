"""The state of a run, and its row in lists of runs."""

from pathlib import Path
from typing import Any

from gome.bus.store.lock import holder
from gome.viewer.model.summary import Summary

__all__ = ["row_of", "state"]


def state(folder: Path, summary: Summary) -> str:
    """The state of a run: `running` (a process holds its lock), `finished`, `stopped` (can be resumed) or `empty`."""
    if holder(folder) is not None:
        return "running"
    return "stopped" if summary.opened and not summary.finished else summary.status


def row_of(folder: Path, summary: Summary) -> dict[str, Any]:
    """The row of a run as data of `runs --json`."""
    opened, best, submitted = summary.opened, summary.best, summary.submitted
    return {
        "run": folder.name,
        "task": opened.task.name if opened else None,
        "state": state(folder, summary),
        "trials": len(summary.trials),
        "accepted": summary.count("accepted"),
        "metric": opened.task.metric if opened else None,
        "baseline": opened.baseline if opened else None,
        "score": best.score if best else None,
        "test_score": submitted.grade.score if submitted and submitted.grade else None,
        "submission_of": list(submitted.steps) if submitted else [],
        "started": summary.sessions[0].wall if summary.sessions else None,
    }
