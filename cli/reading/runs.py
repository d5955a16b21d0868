"""`runs`: list all runs with their state and scores."""

import time
from typing import Any

from gome.cli.options import Json, Runs
from gome.viewer import text
from gome.viewer.model.submitted import briefly
from gome.viewer.output import emit, hint, say, screen_width, table
from gome.viewer.queries.runs import rows_below
from gome.viewer.run_folders import as_opened, runs_root

__all__ = ["runs"]

_SPARE = ("started", "metric", "accepted", "baseline", "unfinished", "open", "trials")


def runs(*, runs: Runs = None, json: Json = False) -> int:
    """List all runs, newest first."""
    root = runs_root(runs)
    rows, damaged = rows_below(root)
    if json:
        emit("runs", rows)
        return 0
    if not rows:
        say(f"no runs in {root} yet")
        hint("gome run scenarios/bike-demand.yaml")
        return 0
    cells = [_cells(row) for row in rows]
    unfinished = any(row["unfinished"] for row in rows)
    headers = [name for name in cells[0] if name != "unfinished" or unfinished]
    spare = [name for name in _SPARE if name in headers]
    say(table(headers, [[each[name] for name in headers] for each in cells], spare=spare))
    for row in rows:
        if words := _present(row):
            say(text.cut(f"{row['run']}: {words}", screen_width()))
    for name, words in damaged.items():
        say(f"{name}: {words}")
    newest = as_opened(root / rows[0]["run"])
    hint(f"gome log {newest}", f"gome best {newest}", f"gome report {newest}")
    return 0


def _present(row: dict[str, Any]) -> str:
    """What a run does now, and what it has measured without a verdict yet; empty where there is neither."""
    return "; ".join(filter(None, (row["now"] and f"now {row['now']}", row["measured"])))


def _cells(row: dict[str, Any]) -> dict[str, str]:
    """The cells of a run by their headers."""
    started = row["started"]
    return {
        "run": row["run"],
        "task": row["task"] or text.UNKNOWN,
        "state": row["state"],
        "trials": str(row["trials"]),
        "open": str(row["open"]),
        "unfinished": str(row["unfinished"]),
        "accepted": str(row["accepted"]),
        "metric": row["metric"] or text.UNKNOWN,
        "baseline": text.score(row["baseline"]),
        "score": text.on_splits(row["score"], row["judged"]),
        "test": text.score(row["test_score"]),
        "submitted": briefly(row["submission_of"]) if row["test_score"] is not None else text.UNKNOWN,
        "started": time.strftime("%Y-%m-%d %H:%M", time.localtime(started)) if started else text.UNKNOWN,
    }
