"""Compare a run with the default models on the private test, with the noise of their difference, and report it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pandas import Series
from pydantic import BaseModel

from benchmarks.shared.runs import Played
from benchmarks.unseen.tables import Table, half_of
from gome.errors import TaskError
from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.encoding import encode_predictions, encode_truth
from gome.scenarios.task.tables import canonical, read_table
from gome.scenarios.task.task import Task

__all__ = ["Compared", "compare", "page"]

_DRAWS = 1000
_NOISE = 2.0
"""Standard errors of the difference within which two solutions count as equal."""


class Compared(BaseModel):
    """A table's run beside its default models. `gain` is positive where the run is better than the best of them."""

    table: str
    kind: str
    half: str
    rows: int
    split: str
    metric: str
    score: float
    validation: float | None
    first: str
    defaults: dict[str, float]
    best: str
    gain: float
    error: float
    trials: int
    repeated: int
    seconds: float
    commit: str

    @property
    def verdict(self) -> str:
        """better or worse where the difference is beyond noise, else ahead or behind."""
        if abs(self.gain) > _NOISE * self.error:
            return "better" if self.gain > 0 else "worse"
        return "ahead" if self.gain > 0 else "equal" if self.gain == 0 else "behind"

    @property
    def words(self) -> str:
        """The comparison on one line."""
        own = f"{self.score:.4g} beside {self.defaults[self.best]:.4g} ({self.best})"
        return f"{self.table}: {self.metric} {own}: {self.verdict}, {self.gain:+.3g} ± {self.error:.2g}"


def compare(
    table: Table, task: Task, own: Path, defaults: Mapping[str, Path], played: Played, *,
    seconds: float, trials: int, at: str,
) -> Compared:  # fmt: skip
    """Grade all predictions of the test. The best default model is the one with the best test score.

    Raises TaskError if a submission has a defect, or the task has no answers.
    """
    if task.answers is None:
        raise TaskError(f"{task.folder} has no private answers")
    answers = read_table(task.answers)
    truth = encode_truth(answers, task.brief)
    ids = canonical(answers[task.brief.id_column])
    ours = _predicted(task, own, ids)
    others = {name: _predicted(task, path, ids) for name, path in defaults.items()}
    sign = -1.0 if task.brief.direction == "minimize" else 1.0
    scores = {name: float(task.metric.score(truth, predicted)) for name, predicted in others.items()}
    best = max(scores, key=lambda name: sign * scores[name])
    score = float(task.metric.score(truth, ours))
    winner = played.finished.winner
    codes = [each.script_ref for each in played.diagnoses]
    return Compared(
        table=table.name, kind=table.kind, half=half_of(table), rows=task.brief.train_rows,
        split=task.brief.split.kind, metric=task.brief.metric, score=score,
        validation=winner.score if winner else None, first=_first(played), defaults=scores, best=best,
        gain=sign * (score - scores[best]), error=_error(task, truth, ours, others[best]), trials=trials,
        repeated=len(codes) - len(set(codes)), seconds=seconds, commit=at,
    )  # fmt: skip


def _first(played: Played) -> str:
    """The score on validation rows of the first accepted trial, in words."""
    for each in played.diagnoses:
        if each.accepted and each.score is not None:
            return f"{each.score:.4g}"
    return "none"


def _predicted(task: Task, path: Path, ids: Series) -> Array:
    checked = check_submission(path, task.brief, task.metric, ids, constant_is_defect=False)
    if checked.table is None:
        raise TaskError(f"{path}: {checked.defects[0].message}")
    return encode_predictions(checked.table, task.brief)


def _error(task: Task, truth: Array, one: Array, other: Array) -> float:
    """The standard error of the difference of two scores, by drawing the test rows again (every class kept)."""
    draw = np.random.default_rng(0)
    differences = []
    for _ in range(_DRAWS):
        rows = draw.integers(len(truth), size=len(truth))
        if task.brief.task_type == "regression" or len(np.unique(truth[rows])) == len(np.unique(truth)):
            differences.append(task.metric.score(truth[rows], one[rows]) - task.metric.score(truth[rows], other[rows]))
    return float(np.std(differences))


def page(found: Sequence[Compared]) -> str:
    """The report as Markdown."""
    lines = [
        "| table | kind | training rows | split | metric | expert | best default | difference | verdict | minutes |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in found:
        default = f"{each.defaults[each.best]:.4g} ({each.best})"
        cells = [
            each.table, each.kind, f"{each.rows}", each.split, each.metric, f"{each.score:.4g}", default,
            f"{each.gain:+.2g} ± {each.error:.1g}", each.verdict, f"{each.seconds / 60:.1f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    count = {
        verdict: sum(each.verdict == verdict for each in found)
        for verdict in ("better", "ahead", "equal", "behind", "worse")
    }
    told = ", ".join(f"{number} {verdict}" for verdict, number in count.items() if number)
    trials = ", ".join(sorted({f"{each.trials}" for each in found}))
    commits = ", ".join(sorted({each.commit for each in found}))
    lines += ["", f"{len(found)} tables: {told}. {trials} trials a run; commit {commits}."]
    return "\n".join(lines) + "\n"
