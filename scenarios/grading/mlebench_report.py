"""Reports of graded submissions, with the same fields as those of `mlebench grade`."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gome.errors import TaskError
from gome.scenarios.grading.grade import grade, thresholds
from gome.scenarios.task.tables import numbers, read_table
from gome.scenarios.task.task import Task

__all__ = ["aggregate", "read_submissions", "report_of"]

Report = dict[str, Any]


def report_of(task: Task, submission: Path, now: datetime) -> Report:
    """The report of one submission. Without a leaderboard the thresholds are None and there is no medal.

    Raises TaskError if the task has no private answers.
    """
    if task.answers is None:
        raise TaskError(f"task {task.brief.name} has no private answers, so submissions cannot be graded")
    exists = submission.is_file() and submission.suffix.lower() == ".csv"
    graded = grade(task, submission) if exists else None
    limits: dict[str, float] = {}
    if task.leaderboard is not None:
        limits = thresholds(numbers(read_table(task.leaderboard)["score"]).tolist(), task.brief.direction)
    medal = graded.medal if graded else None
    return {
        "competition_id": task.brief.name,
        "score": graded.score if graded else None,
        **{f"{name}_threshold": limits.get(name) for name in ("gold", "silver", "bronze", "median")},
        "any_medal": medal is not None,
        **{f"{name}_medal": medal == name for name in ("gold", "silver", "bronze")},
        "above_median": bool(graded and graded.above_median),
        "submission_exists": exists,
        "valid_submission": graded is not None,
        "is_lower_better": task.brief.direction == "minimize",
        "created_at": now.isoformat(),
        "submission_path": str(submission),
    }


def aggregate(reports: Sequence[Report]) -> Report:
    """Summarise several reports."""
    medals = {name: sum(report[f"{name}_medal"] for report in reports) for name in ("gold", "silver", "bronze")}
    return {
        "total_runs": len(reports),
        "total_runs_with_submissions": sum(report["submission_exists"] for report in reports),
        "total_valid_submissions": sum(report["valid_submission"] for report in reports),
        "total_medals": sum(medals.values()),
        **{f"total_{name}_medals": count for name, count in medals.items()},
        "total_above_median": sum(report["above_median"] for report in reports),
        "competition_reports": list(reports),
    }


def read_submissions(path: Path) -> tuple[tuple[str, Path], ...]:
    """Read (competition, submission path) pairs from a JSONL file.

    Each line is `{"competition_id": …, "submission_path": …}`; lines that begin with # or // are skipped, as in
    MLE-bench. Raises TaskError with the number of the first invalid line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} cannot be read: {error}") from error
    return tuple(_pairs(path, lines))


def _pairs(path: Path, lines: Iterable[str]) -> Iterator[tuple[str, Path]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith(("#", "//")):
            continue
        try:
            pair = json.loads(line)
            yield str(pair["competition_id"]), Path(str(pair["submission_path"]))
        except (ValueError, TypeError, KeyError) as error:
            form = '{"competition_id": "…", "submission_path": "…"}'
            raise TaskError(f"{path}:{number}: not of the form {form}") from error
