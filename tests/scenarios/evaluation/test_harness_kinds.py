"""The harness and profiles on all kinds of tasks: splits, metrics, several targets, tasks without splits."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from gome.scenarios.evaluation.harness import Harness, Judged
from gome.scenarios.evaluation.views import make_view
from gome.scenarios.evidence import Evaluation
from gome.scenarios.grading.grade import grade
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task
from tests.scenarios.helpers.solve import solve
from tests.scenarios.helpers.solved import assembled, trial

SHARE = 0.2


_KINDS = [("regression", "mae"), ("binary", "auc"), ("binary", "f1"), ("multiclass", "log-loss"), ("multiclass", "qwk")]
_SPLITS = ["{kind: group, column: shop}", "{kind: time, column: date}", "{kind: holdout}"]


@pytest.mark.parametrize(
    ("kind", "metric", "split"),
    [
        *((*each, None) for each in [*_KINDS, ("multiclass", "macro-f1")]),
        *((*_KINDS[0], split) for split in _SPLITS),
        *((*_KINDS[number], split) for number, split in zip((1, 3, 4), _SPLITS, strict=True)),
    ],
)
def test_any_task_and_split_goes_through(tmp_path: Path, kind: str, metric: str, split: str | None) -> None:
    task = Task.load(make_task(tmp_path / "task", kind, metric=metric, split=split))
    harness = Harness(task, tmp_path / "views", seed=3)
    for view in ("full", "debug", "holdout", "holdout-0"):
        evaluation = harness.judge(view, solve(harness.data(view), tmp_path / view)).evaluation
        assert evaluation.defects == ()
        assert (evaluation.score is None) == (view == "full")
    found, dummy = trial(harness, tmp_path / "trial"), harness.dummy_score()
    assert found.evaluation.score is not None and dummy is not None
    better = max if task.metric.direction == "maximize" else min
    assert better(found.evaluation.score, dummy) == found.evaluation.score != dummy
    assert found.evaluation.standard_error is not None, "of the folds, or of one split's rows"
    (tmp_path / "submission.csv").write_text(found.submission)
    graded = grade(task, tmp_path / "submission.csv")
    assert graded is not None and math.isfinite(graded.score)
    _is_diagnosed(harness, found.oof)
    both = harness.pair(found.oof, found.oof)
    assert both is not None and both.own.score == both.other.score == found.evaluation.score
    assert both.complement is not None and both.complement.own == both.complement.other == 0
    assert both.complement.differ == (None if task.brief.task_type == "regression" else 0)


def _is_diagnosed(harness: Harness, oof: str) -> None:
    """A trial compared with itself shows no change."""
    found = harness.analyse(oof, oof, 10)
    assert found is not None and found.compared == found.rows and found.change == found.change_error == 0.0
    assert not found.changes and not found.better and not found.worse
    assert bool(found.classes) == (harness.task.brief.task_type != "regression") != bool(found.by_truth)
    assert len(found.dearest) > 0 and all(len(row.cells) == len(found.columns) == 5 for row in found.dearest)


def test_a_task_that_cannot_be_split_has_the_scripts_own_score_marked_as_such(tmp_path: Path) -> None:
    harness = Harness(Task.load(make_task(tmp_path / "task", split="{kind: own}")), tmp_path / "views", seed=3)
    assert harness.splits == ("full",) and harness.dummy_score() is None
    written = solve(harness.data("full"), tmp_path / "out")
    assert harness.judge("full", written).evaluation.score is None, "it says none"
    written["evidence.json"].write_text('{"score": 1.25}')
    found = assembled(harness, [harness.judge("full", written)])
    assert (found.evaluation.score, found.evaluation.verified, found.oof) == (1.25, False, "")
    assert found.submission.count("\n") == 121


def test_the_debug_view_keeps_every_class(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", "multiclass", rows=3000)
    path = folder / "prepared" / "public" / "train.csv"
    train = pd.read_csv(path)
    train["y"] = np.where(np.arange(3000) < 8, "high", np.where(train["y"] == "high", "mid", train["y"]))
    train.to_csv(path, index=False)
    harness = Harness(Task.load(folder), tmp_path / "views", seed=2)
    debug = pd.read_csv(harness.data("debug") / "train.csv")
    assert 5 <= (debug["y"] == "high").sum() <= 8
    assert len(debug) < 450


def test_several_targets_are_scored_column_by_column(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    for metric, columns in (
        ("mcrmse", draw.random((200, 2)).round(3)),
        ("columnwise-auc", draw.integers(0, 2, (200, 2))),
    ):
        folder = make_task(tmp_path / metric, answers=False)
        public = folder / "prepared" / "public"
        train, test = pd.read_csv(public / "train.csv").head(200), pd.read_csv(public / "test.csv")
        train.drop(columns="y").assign(a=columns[:, 0], b=columns[:, 1]).to_csv(public / "train.csv", index=False)
        test[["id"]].assign(a=0.5, b=0.5).to_csv(public / "sample_submission.csv", index=False)
        (folder / "task.yaml").write_text(f"targets: [a, b]\nmetric: {metric}\n")
        harness = Harness(Task.load(folder), tmp_path / metric / "views", seed=1)
        judged: list[Judged] = []
        for view in harness.splits:
            ids = pd.read_csv(harness.data(view) / "test.csv")[["id"]]
            said = ids.assign(a=draw.random(len(ids)), b=draw.random(len(ids)))
            said.to_csv(tmp_path / "submission.csv", index=False)
            judged.append(harness.judge(view, {"submission.csv": tmp_path / "submission.csv"}))
            made = make_view(harness.task, view, 1, SHARE)
            predictions = judged[-1].predictions
            assert predictions is not None
            score = sk.root_mean_squared_error if metric == "mcrmse" else sk.roc_auc_score
            parts = [score(columns[made.withheld, n], predictions[: len(made.withheld), n]) for n in range(2)]
            assert judged[-1].evaluation.score == pytest.approx(np.mean(parts))
        found: Evaluation = assembled(harness, judged).evaluation
        dummy = harness.dummy_score()
        assert found.score is not None and dummy is not None and math.isfinite(dummy)


def test_the_profile_says_what_the_data_look_like(tmp_path: Path) -> None:
    harness = Harness(Task.load(make_task(tmp_path / "task", "binary")), tmp_path / "views", seed=1)
    profile = harness.profile
    columns = {column.name: column for column in profile.columns}
    assert {name: column.dtype for name, column in columns.items()} == {
        "id": "integer",
        "area": "float",
        "age": "integer",
        "city": "category",
        "shop": "integer",
        "date": "datetime",
        "y": "category" if columns["y"].dtype == "category" else "boolean",
    }
    assert (columns["id"].role, columns["y"].role) == ("id", "target")
    assert columns["city"].cardinality == len(columns["city"].levels) == 4
    counts = [count for _, count in columns["city"].levels]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == harness.task.train["city"].astype(bool).sum(), "every row that has a value"
    area = columns["area"]
    assert area.minimum is not None and area.median is not None and area.mean is not None
    assert area.minimum < area.median < area.mean, "it is skewed to the right"
    assert 0.01 < columns["area"].missing < 0.1
    assert columns["area"].skew is not None and columns["area"].skew > 0.8
    relevant = {name: column.relevance or 0.0 for name, column in columns.items()}
    assert relevant["area"] > relevant["shop"]
    assert sum(profile.class_balance.values()) == pytest.approx(1)
    assert set(profile.class_balance) == {"no", "yes"}
    assert profile.target_skew is None
    assert profile == harness.profile


def test_few_values_tell_the_same_of_the_target_where_they_are_fractions(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", "binary")
    whole = Harness(Task.load(folder), tmp_path / "views", seed=1).profile
    for name in ("train.csv", "test.csv"):
        path = folder / "prepared" / "public" / name
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.assign(shop=(table["shop"].astype(int) / 4).astype(str)).to_csv(path, index=False)
    quarters = Harness(Task.load(folder), tmp_path / "views", seed=1).profile
    assert [each.relevance for each in quarters.columns] == [each.relevance for each in whole.columns]
