"""`runs`: every run, with how it stands."""

import time
from pathlib import Path
from typing import Any

from bus.lock import holder
from viewer import text
from viewer.commands.options import Json, Runs
from viewer.output import emit, hint, say, table
from viewer.store import outline, run_folders, runs_root
from viewer.submitted import briefly
from viewer.summary import Summary

__all__ = ["row_of", "runs", "state"]

_SPARE = ("started", "metric", "accepted", "baseline", "trials")


def runs(*, runs: Runs = None, json: Json = False) -> int:
    """List the runs, newest first."""
    root = runs_root(runs)
    rows = [row_of(folder, outline(folder)) for folder in reversed(run_folders(root))]
    if json:
        emit("runs", rows)
        return 0
    if not rows:
        say(f"there is no run in {root} yet")
        hint("gome run scenarios/bike-demand.yaml")
        return 0
    headers = (
        "run",
        "task",
        "state",
        "trials",
        "accepted",
        "metric",
        "baseline",
        "score",
        "test",
        "test of",
        "started",
    )
    say(table(headers, [_cells(row) for row in rows], spare=_SPARE))
    hint(f"gome log {rows[0]['run']}", f"gome best {rows[0]['run']}", "gome report @last")
    return 0


def state(folder: Path, summary: Summary) -> str:
    """How a run stands: `finished`, `running` (a process holds its lock), or `stopped` (it can be resumed)."""
    if holder(folder) is not None:
        return "running"
    return "stopped" if summary.opened and not summary.finished else summary.status


def row_of(folder: Path, summary: Summary) -> dict[str, Any]:
    """What a list of runs says of one, as `runs --json` prints it."""
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


def _cells(row: dict[str, Any]) -> list[str]:
    started = row["started"]
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(started)) if started else text.UNKNOWN
    return [
        row["run"],
        row["task"] or text.UNKNOWN,
        row["state"],
        str(row["trials"]),
        str(row["accepted"]),
        row["metric"] or text.UNKNOWN,
        text.score(row["baseline"]),
        text.score(row["score"]),
        text.score(row["test_score"]),
        briefly(row["submission_of"]) if row["test_score"] is not None else text.UNKNOWN,
        when,
    ]
