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
    headers = (
        "run",
        "task",
        "state",
        "trials",
        "open",
        "unfinished",
        "accepted",
        "metric",
        "baseline",
        "score",
        "test",
        "submitted",
        "started",
    )
    say(table(headers, [_cells(row) for row in rows], spare=_SPARE))
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


def _cells(row: dict[str, Any]) -> list[str]:
    started = row["started"]
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(started)) if started else text.UNKNOWN
    return [
        row["run"],
        row["task"] or text.UNKNOWN,
        row["state"],
        str(row["trials"]),
        str(row["open"]),
        str(row["unfinished"]),
        str(row["accepted"]),
        row["metric"] or text.UNKNOWN,
        text.score(row["baseline"]),
        text.on_splits(row["score"], row["judged"]),
        text.score(row["test_score"]),
        briefly(row["submission_of"]) if row["test_score"] is not None else text.UNKNOWN,
        when,
    ]
