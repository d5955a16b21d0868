"""Ensembles of trials: who is selected, with which weights, and that no split is scored with weights that saw it."""

from pathlib import Path

import numpy as np
import pytest

from gome.scenarios.evaluation.blending import predictions_table
from gome.scenarios.evaluation.ensembling import Part, select_ensemble
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.portable.averaging import Scale
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task

SAME = Scale(lambda values: values, lambda values: values)
DRAW = np.random.default_rng(0)
TRUTH = DRAW.normal(size=(300, 1))
NOISE = DRAW.normal(size=(4, 300, 1))


def precise(truth: Array, prediction: Array) -> float:
    return -float(np.sqrt(((truth - prediction) ** 2).mean()))


def parts(*candidates: Array) -> list[Part]:
    return [
        Part(TRUTH[rows], [each[rows] for each in candidates], 1 / 3) for rows in np.split(np.arange(len(TRUTH)), 3)
    ]


def test_equal_and_independent_candidates_share_the_weight() -> None:
    found = select_ensemble(parts(*(TRUTH + each for each in NOISE)), SAME, precise, most=4)
    assert found.weights.sum() == pytest.approx(1)
    assert found.weights.min() > 0.15
    assert len(found.without) == 3


def test_a_candidate_without_a_signal_gets_no_weight() -> None:
    found = select_ensemble(parts(TRUTH + NOISE[0], TRUTH + NOISE[1], 9 * NOISE[2]), SAME, precise, most=3)
    assert found.weights[2] == 0
    assert found.weights[:2].min() > 0.3


def test_no_more_members_than_asked_for() -> None:
    found = select_ensemble(parts(*(TRUTH + each for each in NOISE)), SAME, precise, most=2)
    assert np.count_nonzero(found.weights) == 2
    assert all(np.count_nonzero(each) <= 2 for each in found.without)


def test_the_weights_for_a_split_do_not_depend_on_its_rows() -> None:
    before = select_ensemble(parts(*(TRUTH + each for each in NOISE[:3])), SAME, precise, most=3)
    changed = [TRUTH + each for each in NOISE[:3]]
    changed[0][:100] = TRUTH[:100]  # the first candidate is perfect on the first split
    after = select_ensemble(parts(*changed), SAME, precise, most=3)
    assert after.without[0].tolist() == before.without[0].tolist()
    assert after.without[1][0] > before.without[1][0]


def test_where_the_metric_is_undefined_on_every_split_one_candidate_remains() -> None:
    found = select_ensemble(parts(TRUTH, TRUTH), SAME, lambda truth, prediction: float("nan"), most=2)
    assert found.weights.tolist() == [1, 0]


@pytest.mark.parametrize("split", [None, "{kind: holdout}", "{kind: time, column: date, folds: 3}"])
def test_tables_of_trials_become_an_ensemble_that_is_scored_as_trials_are(split: str | None, tmp_path: Path) -> None:
    task = Task.load(make_task(tmp_path / "task", split=split))
    harness = Harness(task, tmp_path / "views", seed=1)
    noise = np.random.default_rng(1).normal(size=(2, *task.truth.shape))

    def table(off: Array, rows: slice = slice(None)) -> str:
        return predictions_table(task.train[task.brief.id_column][rows], (task.truth + off)[rows], task.brief)

    short = table(noise[0], slice(0, 3))
    found = harness.ensemble([table(noise[0]), short, table(noise[1])], most=3)
    assert found is not None
    assert found.weights[1] == 0, "a table without all rows cannot be a member"
    assert found.weights[0] > 0
    assert found.weights[2] > 0
    assert found.evaluation.splits == found.single.splits
    assert not found.evaluation.partial
    assert found.evaluation.score is not None
    assert found.single.score is not None
    assert found.evaluation.score < found.single.score, "independent errors cancel, and the metric is an error"
    assert harness.ensemble([short, table(noise[1])], most=2) is None
    assert harness.ensemble([table(noise[0])], most=2) is None
