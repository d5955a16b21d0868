"""A trial of the plain solution: run on every split, evaluated and combined."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gome.scenarios.evaluation.harness import Assembled, Harness, Judged
from tests.scenarios.helpers.solve import solve

__all__ = ["assembled", "trial"]

Run = Callable[[Path, Path, int], Mapping[str, Path]]


def trial(harness: Harness, out: Path, run: Run = solve, views: Sequence[str] = ()) -> Assembled:
    """Run a solution on `views` (default: all splits); every run must be valid."""
    judged: list[Judged] = []
    for view in views or harness.splits:
        judged.append(harness.judge(view, run(harness.data(view), out / view, 7)))
        assert judged[-1].evaluation.defects == (), judged[-1].evaluation.defects
    return assembled(harness, judged)


def assembled(harness: Harness, judged: Sequence[Judged]) -> Assembled:
    """Combine runs without defects."""
    predictions = [one.predictions for one in judged if one.predictions is not None]
    return harness.assemble([one.evaluation for one in judged], predictions, len(harness.splits))
