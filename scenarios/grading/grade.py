"""Grade submissions by the private answers as MLE-bench does: score, medal, above the median.

Thresholds are the scores at these places of the leaderboard (N teams, best first):

| N | gold | silver | bronze |
|---|---|---|---|
| <100 | 10 % | 20 % | 40 % |
| 100–249 | 10th | 20 % | 40 % |
| 250–999 | 10th + 0.2 % | 50th | 100th |
| ≥1000 | 10th + 0.2 % | 5 % | 10 % |

Shares are rounded down to whole places, at least the first. A tie with a threshold earns the medal; above the median
means strictly better.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np

from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.evidence import Direction, Grade
from gome.scenarios.task.checks import scored_rows
from gome.scenarios.task.encoding import encode_predictions, encode_truth
from gome.scenarios.task.tables import canonical, numbers, read_table
from gome.scenarios.task.task import Task

__all__ = ["crowded", "grade", "is_crowded", "rank", "thresholds"]

_DIGITS = 5
Medal = Literal["gold", "silver", "bronze"]
_MEDALS: tuple[Medal, ...] = ("gold", "silver", "bronze")


def grade(task: Task, submission: Path) -> Grade | None:
    """Grade a submission. Returns None if the task has no answers or the submission is invalid.

    A constant submission is graded: only the method rejects it, not the contest. Rows without an answer need a
    prediction but do not count.
    """
    if task.answers is None:
        return None
    answers = read_table(task.answers)
    ids = canonical(answers[task.brief.id_column])
    checked = check_submission(submission, task.brief, task.metric, ids, constant_is_defect=False)
    if checked.table is None:
        return None
    scored = scored_rows(answers, task.brief.targets)
    truth = encode_truth(answers[scored], task.brief)
    with np.errstate(all="ignore"):
        score = task.metric.score(truth, encode_predictions(checked.table[scored], task.brief))
    if not math.isfinite(score):
        return None
    if task.leaderboard is None:
        return Grade(score=float(f"{score:.6g}"))
    score = round(score, _DIGITS)
    return rank(score, numbers(read_table(task.leaderboard)["score"]).tolist(), task.brief.direction)


def rank(score: float, leaderboard: Sequence[float], direction: Direction) -> Grade:
    """The medal and standing of a score on a leaderboard, whose scores may be in any order."""
    limits = thresholds(leaderboard, direction)
    medal = next((medal for medal in _MEDALS if _reaches(score, limits[medal], direction)), None)
    above = score != limits["median"] and _reaches(score, limits["median"], direction)
    return Grade(score=score, medal=medal, above_median=above, thresholds=limits)


def thresholds(leaderboard: Sequence[float], direction: Direction) -> dict[str, float]:
    """The scores needed for gold, silver and bronze, and the median. Raises ValueError for an empty leaderboard."""
    if not leaderboard:
        raise ValueError("a leaderboard needs at least one score")
    best_first = sorted(leaderboard, reverse=direction == "maximize")
    places = _places(len(best_first))
    limits: dict[str, float] = {medal: best_first[place - 1] for medal, place in zip(_MEDALS, places, strict=True)}
    return limits | {"median": float(median(best_first))}


def crowded(task: Task) -> bool:
    """Whether `is_crowded` holds for a task's leaderboard; False if that has no column `error`."""
    table = read_table(task.leaderboard) if task.leaderboard is not None else None
    if table is None or "error" not in table:
        return False
    return is_crowded(numbers(table["score"]).tolist(), numbers(table["error"]).tolist(), task.brief.direction)


def is_crowded(leaderboard: Sequence[float], errors: Sequence[float], direction: Direction) -> bool:
    """Whether gold and bronze differ by less than one standard error: medals are then mostly noise.

    `errors` are the standard errors of the scores, in the same order.
    """
    limits = thresholds(leaderboard, direction)
    of_gold = max(error for score, error in zip(leaderboard, errors, strict=True) if score == limits["gold"])
    return abs(limits["gold"] - limits["bronze"]) < of_gold


def _reaches(score: float, limit: float, direction: Direction) -> bool:
    return score <= limit if direction == "minimize" else score >= limit


def _places(teams: int) -> tuple[int, int, int]:
    """The last place of gold, silver and bronze. Uses integer arithmetic because 0.2 × 15 is not 3 in floats."""
    if teams < 100:
        return max(1, teams // 10), max(1, teams // 5), max(1, teams * 2 // 5)
    if teams < 250:
        return 10, teams // 5, teams * 2 // 5
    if teams < 1000:
        return 10 + teams // 500, 50, 100
    return 10 + teams // 500, teams // 20, teams // 10
