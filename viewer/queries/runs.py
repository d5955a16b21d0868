"""The state of a run, and its row in lists of runs."""

import time
from pathlib import Path
from typing import Any

from gome.bus.events import ACTIVITIES
from gome.bus.store.lock import holder
from gome.errors import GomeError
from gome.viewer.model.now import Present, look
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.run_folders import has_log, open_reader, outline, run_folders

__all__ = ["now_words", "row_below", "row_of", "rows_below", "state"]


def state(folder: Path, summary: Summary) -> str:
    """The state of a run: `running` (a process holds its lock), `finished`, `stopped` (can be resumed) or `empty`."""
    if holder(folder) is not None:
        return "running"
    return "stopped" if summary.opened and not summary.finished else summary.status


_PRESENT = ACTIVITIES | {
    *("run_opened", "session_opened", "step_opened", "recollection", "proposal", "diagnosis"),
    *("proposal_offered", "proposal_reviewed", "pause_requested", "deadline_reached", "finish_requested"),
}
"""The message kinds from which the present work of a run is read."""


def now_words(folder: Path) -> str:
    """What a running run does now, in one line; empty where no process works on it, or it has only just begun."""
    if holder(folder) is None or not has_log(folder):
        return ""
    present = Present()
    with open_reader(folder) as reader:
        summary = summarise(reader.envelopes(kinds=_PRESENT))
        present.hear(reader.telemetry())
    return look(summary, present, summary.now(time.time())).words if summary.opened else ""


def rows_below(root: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The rows of all runs in `root`, newest first; and for each run that cannot be read, the words why.

    Such a run is listed too, with the state `damaged`.
    """
    found = {folder.name: row_below(folder) for folder in reversed(run_folders(root))}
    return [row for row, _ in found.values()], {name: why for name, (_, why) in found.items() if why}


def row_below(folder: Path) -> tuple[dict[str, Any], str]:
    """The row of one run, and the words why it cannot be read, where it is damaged."""
    try:
        return row_of(folder, outline(folder)), ""
    except GomeError as error:
        return row_of(folder, Summary()) | {"state": "damaged"}, str(error)


def row_of(folder: Path, summary: Summary) -> dict[str, Any]:
    """The row of a run as data of `runs --json`."""
    opened, best, submitted = summary.opened, summary.best, summary.submitted
    return {
        "run": folder.name,
        "task": opened.task.name if opened else None,
        "state": state(folder, summary),
        "trials": len(summary.trials),
        "open": summary.count("open"),
        "unfinished": summary.count("unfinished"),
        "accepted": summary.count("accepted"),
        "metric": opened.task.metric if opened else None,
        "baseline": opened.baseline if opened else None,
        "score": best.score if best else None,
        "judged": best.judged if best else "",
        "test_score": submitted.grade.score if submitted and submitted.grade else None,
        "awaiting": {step.name: step.score for step in summary.trials if step.awaiting},
        "measured": _measured(summary),
        "now": now_words(folder) if opened and not summary.finished else "",
        "submission_of": list(submitted.steps) if submitted else [],
        "started": summary.sessions[0].wall if summary.sessions else None,
    }


def _measured(summary: Summary) -> str:
    """What an unfinished run has measured without a verdict yet; empty where there is nothing."""
    awaiting = [step for step in summary.trials if step.awaiting and step.score is not None]
    measured = ", ".join(f"{step.name} scored {step.score_words}" for step in awaiting)
    return f"{measured}, awaiting diagnosis" if measured and not summary.finished else ""
