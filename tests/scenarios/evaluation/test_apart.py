"""A hold-out that is set apart: nothing that the search is given or told contains one of its rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.errors import TaskError
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.probe_names import HALF, PROBE
from gome.scenarios.evaluation.views import make_view
from gome.scenarios.profiling.profile import profile_task
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task
from tests.scenarios.helpers.solve import solve
from tests.scenarios.helpers.solved import trial

SEED, SHARE = 3, 0.2
SPLITS = (
    "{kind: random, folds: 3}",
    "{kind: stratified, folds: 3}",
    "{kind: group, column: shop, folds: 3}",
    "{kind: group, column: date, folds: 3, block: 11}",
    "{kind: time, column: date, folds: 3}",
    "{kind: holdout}",
    "{kind: holdout, column: date}",
)


@pytest.fixture(params=[("regression", split) for split in SPLITS] + [("multiclass", None)])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Harness:
    kind, split = request.param
    task = Task.load(make_task(tmp_path / "task", kind, split=split))
    return Harness(task, tmp_path / "views", SEED, SHARE, apart=True)


def held_out(harness: Harness) -> set[int]:
    """Positions of the rows of the hold-out."""
    return set(make_view(harness.task, "holdout", SEED, SHARE).withheld.tolist())


def of_search(harness: Harness) -> list[str]:
    """All views that scripts are given before the finish."""
    return [*harness.splits, "debug", PROBE, HALF, "holdout", "holdout-0"]


def labels_in(harness: Harness, name: str) -> list[str]:
    """The texts of the labels in the training file of a view."""
    return pd.read_csv(harness.data(name) / "train.csv", dtype=str, keep_default_na=False)["y"].tolist()


def test_no_view_of_the_search_has_a_label_of_its_rows(harness: Harness) -> None:
    out = held_out(harness)
    assert len(out) >= 0.1 * len(harness.task.train)
    for name in of_search(harness):
        view = harness._view(name)
        assert not out & set(view.train.tolist()), name
        assert name.startswith("holdout") or not out & set(view.withheld.tolist()), f"{name} scores none of them"
        assert labels_in(harness, name) == [harness.task.train["y"][row] for row in view.train], "what is written"


def test_the_splits_deal_all_other_rows(harness: Harness) -> None:
    others = set(range(len(harness.task.train))) - held_out(harness)
    parts = [harness._view(name) for name in harness.splits]
    validated = [row for view in parts for row in view.withheld.tolist()]
    assert len(validated) == len(set(validated))
    assert set(validated) | {row for view in parts for row in view.train.tolist()} == others
    assert all(not set(view.train.tolist()) & set(view.withheld.tolist()) for view in parts)


def test_units_that_belong_together_are_not_torn(harness: Harness) -> None:
    rule = harness.task.brief.split
    if rule.kind != "group":
        return
    ranks = pd.factorize(harness.task.typed_train[rule.column], sort=True)[0] // rule.block
    parts = [*(harness._view(name).withheld for name in harness.splits), np.array(sorted(held_out(harness)))]
    found = [set(ranks[rows].tolist()) for rows in parts]
    assert sum(map(len, found)) == len(set.union(*found))


def test_the_profile_is_that_of_a_task_without_these_rows(harness: Harness) -> None:
    kept = np.array(sorted(set(range(len(harness.task.train))) - held_out(harness)))
    rows = harness.task.train.take(kept)
    assert harness.searched.brief.train_rows == len(kept) == harness.profile.rows
    assert {row[0] for row in harness.profile.sample} <= set(rows["id"])
    alone = profile_task(harness.task.only(kept))
    assert harness.profile.model_copy(update={"periods": ()}) == alone


def test_at_the_end_the_labels_are_released(harness: Harness) -> None:
    open_to_all = Harness(harness.task, harness.folder / "open", SEED, SHARE)
    assert len(labels_in(harness, "full")) == len(harness.task.train)
    for name in harness.splits:
        whole, split = harness._view(name.replace("split", "whole")), open_to_all._view(name)
        assert (whole.train == split.train).all() and (whole.withheld == split.withheld).all()


def test_the_hold_out_is_the_same_as_if_it_was_not_set_apart(harness: Harness) -> None:
    open_to_all = Harness(harness.task, harness.folder / "open", SEED, SHARE)
    for name in ("holdout", "holdout-0"):
        ours, theirs = harness._view(name), open_to_all._view(name)
        assert (ours.train == theirs.train).all() and (ours.withheld == theirs.withheld).all()
    assert harness.data("holdout") != open_to_all.data("holdout")


def test_a_trial_is_scored_analysed_and_mixed_over_the_other_rows(harness: Harness, tmp_path: Path) -> None:
    found = trial(harness, tmp_path / "trial")
    assert found.evaluation.score is not None
    ids = pd.read_csv(_written(tmp_path, found.oof), dtype=str)["id"]
    out = set(harness.task.train["id"].iloc[sorted(held_out(harness))])
    assert len(ids) and not out & set(ids)
    diagnostics = harness.analyse(found.oof, found.oof, 10)
    assert diagnostics is not None and diagnostics.rows == len(ids)
    both = harness.pair(found.oof, found.oof)
    assert both is not None and both.mean.score == pytest.approx(found.evaluation.score)
    mixed = harness.ensemble([found.oof, found.oof], 2)
    assert mixed is None or mixed.evaluation.score == pytest.approx(found.evaluation.score)
    judged = harness.judge("holdout", solve(harness.data("holdout"), tmp_path / "holdout")).evaluation
    assert judged.score is not None and judged.fold_rows[0][0] == len(out)
    assert harness.dummy_score() is not None


def _written(folder: Path, text: str) -> Path:
    (folder / "oof.csv").write_text(text)
    return folder / "oof.csv"


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("{kind: own}", "method.finish.apart: task task is not split"),
        (
            "{kind: group, column: city, folds: 4}",
            r"without the rows of the hold-out, train\.csv: 4 folds need at least 4 values of 'city'.* found 3",
        ),
    ],
)
def test_where_nothing_can_be_set_apart_it_is_said_in_words(split: str, words: str, tmp_path: Path) -> None:
    task = Task.load(make_task(tmp_path / "task", split=split))
    with pytest.raises(TaskError, match=words):
        _ = Harness(task, tmp_path / "views", SEED, SHARE, apart=True).splits
