"""The harness end to end: predictions of a real model on every split; false claims and invalid files."""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame
from sklearn import metrics as sk

from gome import scenarios
from gome.errors import TaskError
from gome.scenarios.evaluation.harness import Assembled, Harness
from gome.scenarios.evaluation.view_files import ScriptLimits
from gome.scenarios.evaluation.views import ViewName, make_view
from gome.scenarios.grading.grade import grade
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task
from tests.scenarios.helpers.solve import solve
from tests.scenarios.helpers.solved import assembled

pytestmark = pytest.mark.xdist_group("harness")  # they share what a solution wrote

BIKES = Path(scenarios.__file__).parent / "tasks" / "bike-demand"
SEED, SHARE = 7, 0.2


@pytest.fixture(scope="module")
def bikes(tmp_path_factory: pytest.TempPathFactory) -> Harness:
    return Harness(Task.load(BIKES), tmp_path_factory.mktemp("bikes"), SEED, SHARE)


@pytest.fixture(scope="module")
def files(bikes: Harness) -> dict[str, dict[str, Path]]:
    """The files written by the plain solution on every split and on three other views."""
    views = (*bikes.splits, "full", "debug", "holdout")
    return {view: solve(bikes.data(view), bikes.folder / "out" / view) for view in views}


@pytest.fixture(scope="module")
def whole(bikes: Harness, files: dict[str, dict[str, Path]]) -> Assembled:
    """The trial of the plain solution."""
    return assembled(bikes, [bikes.judge(view, files[view]) for view in bikes.splits])


def table(text: str, folder: Path) -> DataFrame:
    (folder / "table.csv").write_text(text)
    return pd.read_csv(folder / "table.csv")


def test_validation_is_held_as_far_away_as_the_test_is(bikes: Harness) -> None:
    assert bikes.splits == tuple(f"split-{number}" for number in range(5))
    days, held = bikes.task.typed_train["day"].to_numpy(), []
    for name in bikes.splits:
        view = make_view(bikes.task, name, SEED, SHARE)
        assert not set(days[view.train]) & set(days[view.withheld])
        held += list(view.withheld)
    assert sorted(held) == list(range(len(days))), "each row is withheld once"


def test_the_debug_view_is_a_small_sample_of_the_same_shape(bikes: Harness) -> None:
    debug, split = bikes.data("debug"), make_view(bikes.task, "split-0", SEED, SHARE)
    train, test = pd.read_csv(debug / "train.csv"), pd.read_csv(debug / "test.csv")
    assert list(train) == list(bikes.task.train) and list(test) == list(bikes.task.test)
    assert len(train) == round(0.1 * len(split.train))
    assert len(test) == 200 + round(0.1 * len(split.test)), "of the withheld rows a tenth would be fewer than 200"
    assert len(pd.read_csv(debug / "sample_submission.csv")) == len(test)


def test_the_hold_out_is_withheld_from_all_of_its_views(bikes: Harness) -> None:
    days = bikes.task.typed_train["day"].to_numpy()
    whole = make_view(bikes.task, "holdout", SEED, SHARE)
    assert 0.15 < len(whole.withheld) / len(days) < 0.25
    assert not set(days[whole.train]) & set(days[whole.withheld]), "whole days, as the task's own test"
    for number in range(5):
        part = make_view(bikes.task, f"holdout-{number}", SEED, SHARE)
        split = make_view(bikes.task, f"split-{number}", SEED, SHARE)
        assert list(part.withheld) == list(whole.withheld)
        assert set(part.train) == set(whole.train) & set(split.train)


def test_task_json_says_what_the_contract_says(tmp_path: Path) -> None:
    limits = ScriptLimits(seconds=60, threads=2, memory_gib=3.5)
    harness = Harness(Task.load(BIKES), tmp_path, SEED, limits=limits)
    said = {view: (harness.data(view) / "task.json").read_text() for view in ("split-0", "full", "holdout", "debug")}
    assert len(set(said.values())) == 1
    fields = json.loads(said["full"])
    dtypes = fields.pop("dtypes")
    assert list(dtypes) == list(harness.task.train.columns) and set(dtypes.values()) <= {"int64", "float64", "str"}
    assert fields == {
        "name": "bike-demand",
        "task_type": "regression",
        "id_column": "id",
        "targets": ["bikers"],
        "classes": [],
        "metric": "rmsle",
        "direction": "minimize",
        "prediction": "value",
        "submission_columns": ["id", "bikers"],
        "train_file": "train.csv",
        "test_file": "test.csv",
        "split": {"kind": "group", "column": "day", "folds": 5, "block": 11},
        "limits": {"seconds": 60, "threads": 2, "memory_gib": 3.5},
    }  # fmt: skip


def test_a_real_solution_is_scored_from_its_predictions(
    bikes: Harness, files: dict[str, dict[str, Path]], whole: Assembled, tmp_path: Path
) -> None:
    evaluation, truth = whole.evaluation, bikes.task.typed_train.set_index("id")["bikers"]
    assert evaluation.valid and evaluation.verified and evaluation.view == "splits" and not evaluation.partial
    oof = table(whole.oof, tmp_path)
    assert list(oof["id"]) == list(truth.index), "one prediction a row, in the task's order, under the task's ids"
    said = oof["bikers"].to_numpy()
    views = [make_view(bikes.task, name, SEED, SHARE) for name in bikes.splits]
    folds = [sk.root_mean_squared_log_error(truth.iloc[view.withheld], said[view.withheld]) for view in views]
    assert evaluation.folds == pytest.approx(folds)
    rows = [len(view.withheld) for view in views]
    assert evaluation.fold_rows == tuple((count, len(truth) - count) for count in rows)
    assert evaluation.score == pytest.approx(np.average(folds, weights=rows))
    assert evaluation.standard_error == pytest.approx(np.std(folds, ddof=1) / math.sqrt(5))
    dummy = bikes.dummy_score()
    assert evaluation.score is not None and dummy is not None and evaluation.score < 0.6 < 1.2 < dummy
    assert evaluation.train_folds == (0.5,) * 5
    assert evaluation.importance == {"season": 0.7}
    assert evaluation.claims["leaves"] > 10
    one = bikes.judge("split-0", files["split-0"]).evaluation
    assert one.submission_sha256 == hashlib.sha256(files["split-0"]["submission.csv"].read_bytes()).hexdigest()
    assert one == bikes.judge("split-0", files["split-0"]).evaluation


def test_residuals_show_where_the_loss_is(bikes: Harness, whole: Assembled, tmp_path: Path) -> None:
    slices = whole.evaluation.residuals
    assert 3 <= len(slices) <= 12
    oof = table(whole.oof, tmp_path).merge(bikes.task.typed_train, on="id", suffixes=("_said", ""))
    error = np.log1p(oof["bikers_said"]) - np.log1p(oof["bikers"])
    for each in slices:
        if each.feature == "weathersit":
            rows = (oof["weathersit"] == each.value).to_numpy()
            assert each.rows == rows.sum()
            assert each.share_of_loss == pytest.approx((error[rows] ** 2).sum() / (error**2).sum(), abs=1e-4)
            assert each.bias == pytest.approx(error[rows].mean(), abs=1e-6)
            assert each.share_of_loss > each.rows / len(oof)
    assert "weathersit" in [each.feature for each in slices], "rain is what this model has not understood"


def test_a_trial_is_diagnosed_against_the_best(
    bikes: Harness, files: dict[str, dict[str, Path]], whole: Assembled, tmp_path: Path
) -> None:
    judged = [bikes.judge(view, files[view]) for view in bikes.splits[:3]]
    predictions = [one.predictions for one in judged if one.predictions is not None]
    oof = bikes.assemble([one.evaluation for one in judged], predictions, 5).oof
    doubled = table(whole.oof, tmp_path)
    doubled = doubled.assign(bikers=2 * doubled["bikers"])[100:]
    found = bikes.analyse(oof, doubled.to_csv(index=False), 4)
    assert found is not None and found.rows == sum(
        len(make_view(bikes.task, f"split-{k}", SEED, SHARE).withheld) for k in range(3)
    )
    assert 0 < found.rows - found.compared <= 100, "the best predicts all but the first rows"
    assert found.change is not None and found.change < 0 and found.mean_loss < (found.best_loss or 0)
    assert len(found.dearest) == 2 and len(found.better) == 1
    assert "hr" in found.columns and "bikers" not in found.columns and "id" not in found.columns
    row = next(row for row in found.dearest if row.best is not None)
    assert {row.split for row in found.dearest} <= {0, 1, 2}
    assert float(row.best or 0) == pytest.approx(2 * float(row.prediction), rel=1e-3)
    assert found.by_truth and sum(part.rows for part in found.by_truth) == found.rows
    for unreadable in ("", "no table", "id,other\n1,2\n"):
        alone = bikes.analyse(oof, unreadable, 0)
        assert alone is not None and alone.change is None and not alone.dearest
        assert bikes.analyse(unreadable, None, 4) is None and bikes.pair(oof, unreadable) is None


def test_two_solutions_are_compared_with_the_mean_of_both(bikes: Harness, whole: Assembled, tmp_path: Path) -> None:
    own = table(whole.oof, tmp_path)
    high, low = (own.assign(bikers=own["bikers"] * factor).to_csv(index=False) for factor in (2.0, 0.4))
    found = bikes.pair(high, low)
    assert (
        found is not None and len(found.mean.splits) == 5 and found.mean.score and found.own.score and found.other.score
    )
    assert found.mean.score < min(found.own.score, found.other.score), "one says too much, the other too little"
    assert found.weights is not None and sum(found.weights) == pytest.approx(1) and min(found.weights) >= 0
    assert found.weighted is not None and found.weighted.splits == found.own.splits
    apart = found.complement
    assert apart is not None and apart.own + apart.other == pytest.approx(1), "on each row one errs less"
    assert min(apart.own, apart.other) > 0.05 and apart.correlation and apart.correlation < 1 and apart.differ is None
    alike = bikes.pair(whole.oof, whole.oof)
    assert alike is not None and alike.own.score == alike.other.score == whole.evaluation.score == pytest.approx(
        alike.mean.score
    )
    part = bikes.pair(high, own.sample(frac=0.5, random_state=0).to_csv(index=False))
    assert part is None, "a split counts only where all of its rows are predicted"


@pytest.mark.parametrize("name", ["holdout", "holdout-3", "split-2", "debug"])
def test_a_view_is_scored_by_its_withheld_rows(bikes: Harness, tmp_path: Path, name: str) -> None:
    written = solve(bikes.data(name), tmp_path)
    judged, view = bikes.judge(name, written), make_view(bikes.task, name, SEED, SHARE)
    said = pd.read_csv(written["submission.csv"]).set_index("id")["bikers"]
    ids = np.empty(len(view.ids), dtype=object)
    ids[view.order] = view.ids.to_numpy()
    by_row = said.loc[[int(one) for one in ids]].to_numpy()
    assert judged.predictions is not None and judged.predictions[:, 0] == pytest.approx(by_row)
    truth = bikes.task.truth[view.withheld, 0]
    score = sk.root_mean_squared_log_error(truth, by_row[: len(truth)])
    assert judged.evaluation.score == pytest.approx(score)
    assert judged.evaluation.folds == (judged.evaluation.score,)
    assert judged.evaluation.standard_error is not None and 0 < judged.evaluation.standard_error < 0.1


def test_the_private_grade_agrees_with_the_answers(
    bikes: Harness, files: dict[str, dict[str, Path]], whole: Assembled, tmp_path: Path
) -> None:
    """Views have other ids than the task; a submission has the task's ids."""
    full = bikes.judge("full", files["full"])
    assert full.predictions is not None and full.evaluation.score is None
    assert bikes.task.answers is not None
    answers = pd.read_csv(bikes.task.answers)
    for text in (bikes.submission(full.predictions), whole.submission):
        (tmp_path / "submission.csv").write_text(text)
        graded = grade(bikes.task, tmp_path / "submission.csv")
        both = table(text, tmp_path).merge(answers, on="id")
        score = sk.root_mean_squared_log_error(both["bikers_y"], both["bikers_x"])
        assert graded is not None and graded.score == round(score, 5) < 0.6


def test_the_mean_of_runs_on_the_hold_out_is_scored(bikes: Harness, tmp_path: Path) -> None:
    runs = [bikes.judge("holdout", solve(bikes.data("holdout"), tmp_path / str(seed), seed)) for seed in range(2)]
    predictions = [run.predictions for run in runs if run.predictions is not None]
    alone = bikes.score_mean("holdout", predictions[:1])
    assert alone.score == pytest.approx(runs[0].evaluation.score)
    mean = np.expm1(np.log1p(np.stack(predictions)).mean(axis=0))
    truth = bikes.task.truth[make_view(bikes.task, "holdout", SEED, SHARE).withheld]
    expected = sk.root_mean_squared_log_error(truth, mean[: len(truth)])
    assert bikes.score_mean("holdout", predictions).score == pytest.approx(expected)


def changed(files: dict[str, Path], folder: Path, change: Callable[[DataFrame], DataFrame]) -> dict[str, Path]:
    change(pd.read_csv(files["submission.csv"])).to_csv(folder / "submission.csv", index=False)
    return files | {"submission.csv": folder / "submission.csv"}


def test_a_target_copied_into_the_predictions_is_a_leak(bikes: Harness, files: dict[str, dict[str, Path]]) -> None:
    judged = [bikes.judge(view, files[view]) for view in bikes.splits]
    for view, run in zip(bikes.splits, judged, strict=True):
        rows = make_view(bikes.task, view, SEED, SHARE).withheld
        assert run.predictions is not None
        run.predictions[: len(rows)] = bikes.task.truth[rows]
    leaks = assembled(bikes, judged).evaluation.leaks
    assert [leak.code for leak in leaks] == ["target-copied"]


@pytest.mark.parametrize("view", ["split-0", "holdout"])
def test_predictions_too_large_for_a_score_are_a_defect(tmp_path: Path, view: str) -> None:
    harness = Harness(Task.load(make_task(tmp_path / "task")), tmp_path / "views", seed=1)
    written = changed(solve(harness.data(view), tmp_path / "out"), tmp_path, lambda rows: rows.assign(y=1e300))
    written = changed(written, tmp_path, lambda rows: rows.assign(y=rows["y"] * np.linspace(0.5, 1, len(rows))))
    judged = harness.judge(view, written)
    assert [note.code for note in judged.evaluation.defects] == ["overflow"]
    assert judged.evaluation.score is None


def test_nothing_written_is_named(bikes: Harness) -> None:
    judged = bikes.judge("split-0", {})
    assert [note.message for note in judged.evaluation.defects] == ["submission.csv was not written"]
    assert judged.evaluation.score is None and judged.evaluation.submission_sha256 is None
    assert judged.predictions is None


def test_a_submission_for_the_ids_of_another_view_is_a_defect(
    bikes: Harness, files: dict[str, dict[str, Path]]
) -> None:
    for other in ("full", "split-1", "holdout"):
        codes = {note.code for note in bikes.judge("split-0", files[other]).evaluation.defects}
        assert codes & {"ids-unknown", "row-count"}


def test_a_view_is_written_once_and_another_where_something_changed(tmp_path: Path) -> None:
    task = Task.load(make_task(tmp_path / "task"))
    first = Harness(task, tmp_path / "views", seed=1).data("split-0")
    inode = (first / "task.json").stat().st_ino
    assert Harness(task, tmp_path / "views", seed=1).data("split-0") == first
    assert (first / "task.json").stat().st_ino == inode
    others = [
        Harness(task, tmp_path / "views", seed=2).data("split-0"),
        Harness(task, tmp_path / "views", seed=1, holdout_share=0.3).data("split-0"),
        Harness(task, tmp_path / "views", seed=1, limits=ScriptLimits(seconds=1)).data("split-0"),
    ]
    assert len({first, *others}) == 4


def test_what_a_killed_session_left_half_written_is_written_anew(tmp_path: Path) -> None:
    harness = Harness(Task.load(make_task(tmp_path / "task")), tmp_path / "views", seed=1)
    whole = harness.data("split-0")
    half = whole.with_suffix(".part")
    whole.rename(half)
    (half / "test.csv").unlink()
    (half / "odd.csv").write_text("")
    assert harness.data("split-0") == whole
    assert {path.name for path in whole.iterdir()} >= {"train.csv", "test.csv"} and not (whole / "odd.csv").exists()
    assert not half.exists()


def test_too_few_groups_are_said_before_anything_runs(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", split="{kind: group, column: city, folds: 4}")
    task = Task.load(folder)
    few = task.train["city"].isin(sorted(set(task.train["city"]))[:3])
    path = folder / "prepared" / "public" / "train.csv"
    task.train.frame()[few].to_csv(path, index=False)
    with pytest.raises(TaskError, match="4 folds need at least 4"):
        Harness(Task.load(folder), tmp_path / "views", seed=1).splits  # noqa: B018


def test_no_private_answer_is_in_any_view(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    answers = folder / "prepared" / "private" / "answers.csv"
    secret = pd.read_csv(answers, dtype=str)
    secret.assign(y=[f"98765.{row:04d}" for row in range(len(secret))]).to_csv(answers, index=False)
    harness = Harness(Task.load(folder), tmp_path / "views", seed=1)
    for view in (*harness.splits, "full", "debug", "holdout", "holdout-1"):
        harness.data(view)
    written = [path for path in harness.folder.rglob("*") if path.is_file()]
    assert len(written) == 9 * 5
    for path in written:
        assert "98765." not in path.read_text(encoding="utf-8"), path
    assert "98765." not in harness.task.brief.model_dump_json() + harness.profile.model_dump_json()


def same_for_all(harness: Harness, view: ViewName, folder: Path) -> dict[str, Path]:
    """A submission for a view with the same prediction for every row."""
    rows = pd.read_csv(harness.data(view) / "sample_submission.csv")
    folder.mkdir(parents=True, exist_ok=True)
    rows.assign(y=2.5).to_csv(folder / "submission.csv", index=False)
    return {"submission.csv": folder / "submission.csv"}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Harness:
    folder = tmp_path_factory.mktemp("made-up")
    return Harness(Task.load(make_task(folder / "task")), folder / "views", SEED, SHARE)


@pytest.mark.parametrize("view", ["split-0", "full", "holdout", "holdout-1"])
def test_a_run_that_says_the_same_of_every_row_has_a_defect_and_no_score(
    made_up: Harness, tmp_path: Path, view: ViewName
) -> None:
    judged = made_up.judge(view, same_for_all(made_up, view, tmp_path))
    assert [note.code for note in judged.evaluation.defects] == ["constant"]
    assert (judged.evaluation.score, judged.predictions) == (None, None)


def test_a_short_run_on_few_rows_may_say_the_same_of_every_row(made_up: Harness, tmp_path: Path) -> None:
    """Constant predictions are valid on the debug view: it only shows that the script works."""
    judged = made_up.judge("debug", same_for_all(made_up, "debug", tmp_path))
    assert judged.evaluation.valid
    assert judged.evaluation.score is not None


def test_the_file_is_constant_as_a_whole_or_not_at_all(made_up: Harness, tmp_path: Path) -> None:
    """Withheld rows with constant predictions are scored if the test rows' predictions vary."""
    files = same_for_all(made_up, "split-0", tmp_path)
    view = make_view(made_up.task, "split-0", SEED, SHARE)
    table = pd.read_csv(files["submission.csv"])
    of_test = view.order >= len(view.withheld)
    table.assign(y=np.where(of_test, np.linspace(0, 1, len(table)), 2.5)).to_csv(files["submission.csv"], index=False)
    judged = made_up.judge("split-0", files)
    assert judged.evaluation.valid
    truth = made_up.task.truth[view.withheld]
    assert judged.evaluation.score == pytest.approx(float(np.sqrt(np.mean((truth - 2.5) ** 2))))


def test_what_is_graded_or_averaged_may_be_constant(made_up: Harness, tmp_path: Path) -> None:
    ids = made_up.task.test["id"]
    paths = [tmp_path / "low.csv", tmp_path / "high.csv"]
    for path, value in zip(paths, (1.0, 4.0), strict=True):
        DataFrame({"id": ids, "y": value}).to_csv(path, index=False)
    mean = table(made_up.blend(paths), tmp_path)
    assert list(mean["id"].astype(str)) == list(ids)
    assert mean["y"].to_numpy() == pytest.approx(np.full(len(ids), 2.5))
    assert made_up.task.answers is not None
    truth = pd.read_csv(made_up.task.answers)["y"]
    graded = grade(made_up.task, paths[0])
    assert graded is not None
    assert graded.score == pytest.approx(float(np.sqrt(np.mean((truth - 1.0) ** 2))), abs=1e-5)
