"""Compare a run with the default models on the private test, with the noise of their difference, and report it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.shared.runs import Played
from benchmarks.unseen.grading import Grader, Matched, tally
from benchmarks.unseen.tables import Table, half_of
from gome.scenarios.task.task import Task

__all__ = ["Compared", "compare", "page"]


class Compared(Matched):
    """A table's run beside its default models. `gain` is positive where the run is better than the best of them."""

    half: str
    rows: int
    split: str
    validation: float | None
    first: str
    defaults: dict[str, float]
    best: str
    trials: int
    repeated: int
    seconds: float
    commit: str

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
    grader = Grader.of(task)
    ours = grader.read(own)
    others = {name: grader.read(path) for name, path in defaults.items()}
    best = min(others, key=lambda name: grader.gain(ours, others[name]))
    winner = played.finished.winner
    codes = [each.script_ref for each in played.diagnoses]
    return Compared(
        table=table.name, kind=table.kind, half=half_of(table), rows=task.brief.train_rows,
        split=task.brief.split.kind, metric=task.brief.metric, score=grader.score(ours),
        validation=winner.score if winner else None, first=_first(played),
        defaults={name: grader.score(predicted) for name, predicted in others.items()}, best=best,
        gain=grader.gain(ours, others[best]), error=grader.error(ours, others[best]), trials=trials,
        repeated=len(codes) - len(set(codes)), seconds=seconds, commit=at,
    )  # fmt: skip


def _first(played: Played) -> str:
    """The score on validation rows of the first accepted trial, in words."""
    for each in played.diagnoses:
        if each.accepted and each.score is not None:
            return f"{each.score:.4g}"
    return "none"


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
    trials = ", ".join(sorted({f"{each.trials}" for each in found}))
    commits = ", ".join(sorted({each.commit for each in found}))
    lines += ["", f"{tally(found)} {trials} trials a run; commit {commits}."]
    return "\n".join(lines) + "\n"
