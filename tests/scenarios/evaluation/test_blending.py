"""Blends of submissions compared with values computed by hand, for each kind of prediction."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.scenarios.evaluation.blending import blend
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.grading.grade import grade
from gome.scenarios.metrics.registry import metric_named
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task


def brief_of(metric: str, classes: tuple[str, ...] = ()) -> TaskBrief:
    found = metric_named(metric)
    task_type = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
    columns = classes if found.prediction == "probability" and len(classes) > 2 else ("y",)
    return TaskBrief.model_validate(
        {
            "name": "made-up",
            "description": "",
            "task_type": task_type,
            "id_column": "id",
            "targets": ("y",),
            "classes": classes,
            "metric": metric,
            "direction": found.direction,
            "prediction": found.prediction,
            "submission_columns": ("id", *columns),
            "train_file": "train.csv",
            "test_file": "test.csv",
            "split": {},
            "train_rows": 3,
            "test_rows": 3,
        }
    )


def mixed(metric: str, *members: object, classes: tuple[str, ...] = ()) -> list[object]:
    arrays = [np.asarray(member) for member in members]
    found: list[object] = blend(arrays, brief_of(metric, classes), metric_named(metric)).tolist()
    return found


def test_values_are_averaged_on_the_scale_of_their_errors() -> None:
    assert mixed("rmse", [[1.0], [4.0]], [[3.0], [8.0]]) == [[2.0], [6.0]]
    # (log 1 + log 9) / 2 = log 3, and log(1 + x) = log 3 at x = 2
    assert mixed("rmsle", [[0.0]], [[8.0]]) == [[pytest.approx(2.0)]]


def test_where_order_counts_ranks_are_averaged() -> None:
    # Ranks 1 2 3 and 3 1 2 of three: the second member's scale, a hundredth of the first's, makes no difference.
    found = mixed("auc", [[0.1], [0.5], [0.9]], [[0.009], [0.001], [0.005]], classes=("no", "yes"))
    assert found == [[pytest.approx(4 / 6)], [pytest.approx(3 / 6)], [pytest.approx(5 / 6)]]


def test_the_mean_of_one_is_that_one() -> None:
    assert mixed("auc", [[0.1], [0.7], [0.2]], classes=("no", "yes")) == [[0.1], [0.7], [0.2]]
    assert mixed("rmsle", [[0.3]]) == [[0.3]]


def test_probabilities_of_several_classes_stay_probabilities() -> None:
    found = mixed("auc", [[0.6, 0.3, 0.1]], [[0.2, 0.2, 0.6]], classes=("a", "b", "c"))
    assert found == [[pytest.approx(0.4), pytest.approx(0.25), pytest.approx(0.35)]]


def test_decided_classes_are_put_to_the_vote() -> None:
    # Two for 1; all differ: the first member decides; two for 2 against the first.
    found = mixed("accuracy", [0, 2, 0], [1, 0, 2], [1, 1, 2], classes=("a", "b", "c"))
    assert found == [1, 2, 2]


def test_classes_in_order_meet_in_the_middle() -> None:
    assert mixed("qwk", [0, 1, 2], [2, 2, 2], classes=("low", "mid", "high")) == [1, 2, 2]


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=5))
def test_a_vote_is_for_a_class_that_somebody_named(members: list[list[int]]) -> None:
    found = mixed("accuracy", *members, classes=("a", "b", "c", "d"))
    for place, chosen in enumerate(found):
        votes: list[object] = [member[place] for member in members]
        assert votes.count(chosen) == max(votes.count(each) for each in votes)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=6), st.integers(1, 4))
def test_the_mean_of_equals_is_each_of_them(values: list[float], count: int) -> None:
    column = [[value] for value in values]
    for metric in ("rmse", "rmsle"):
        assert mixed(metric, *[column] * count) == [[pytest.approx(value)] for value in values]


@pytest.mark.parametrize(("kind", "metric"), [("regression", "rmse"), ("binary", "auc"), ("multiclass", "accuracy")])
def test_a_blend_is_a_submission(kind: str, metric: str, tmp_path: Path) -> None:
    """A blend is a valid submission, independent of its members' row order; a worse member lowers its score."""
    harness = Harness(Task.load(make_task(tmp_path / "task", kind, metric=metric)), tmp_path / "views", seed=1)
    sample = (harness.task.public / "sample_submission.csv").read_text().splitlines()
    draw = np.random.default_rng(0)
    members = []
    for number in range(2):
        values = draw.choice(["low", "mid", "high"], len(sample)) if metric == "accuracy" else draw.random(len(sample))
        lines = [f"{line.split(',')[0]},{value}" for line, value in zip(sample[1:], values, strict=False)]
        members.append(tmp_path / f"{number}.csv")
        members[-1].write_text("\n".join([sample[0], *(lines if number else reversed(lines))]) + "\n")
    text = harness.blend(members)
    (tmp_path / "blend.csv").write_text(text)
    graded = grade(harness.task, tmp_path / "blend.csv")
    assert graded is not None and np.isfinite(graded.score)
    assert harness.blend(members) == text
    members[0].write_text("id,y\n1,0.5\n")
    with pytest.raises(ValueError, match="1 of 2 submissions are invalid"):
        harness.blend(members)
