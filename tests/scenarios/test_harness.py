"""The harness end to end: views written, a real model's predictions scored, lies and rubbish seen for what they are."""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame
from sklearn import metrics as sk

import scenarios
from errors import TaskError
from scenarios.grading import grade
from scenarios.harness import Harness
from scenarios.tasks import Task
from scenarios.views import ScriptLimits, ViewName
from tests.scenarios.make_task import make_task
from tests.scenarios.solve import solve

BIKES = Path(scenarios.__file__).parent / "tasks" / "bike-demand"
VIEWS: tuple[ViewName, ...] = ("full", "debug", "holdout")


@pytest.fixture(scope="module")
def bikes(tmp_path_factory: pytest.TempPathFactory) -> Harness:
    harness = Harness(Task.load(BIKES), tmp_path_factory.mktemp("bikes"), seed=7)
    harness.prepare()
    return harness


@pytest.fixture(scope="module")
def solved(bikes: Harness) -> dict[str, dict[str, Path]]:
    return {view: solve(bikes.data(view), bikes.folder / "out" / view) for view in VIEWS}


def content(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_views_are_the_same_byte_for_byte(bikes: Harness, tmp_path: Path) -> None:
    again = Harness(Task.load(BIKES), tmp_path, seed=7)
    again.prepare()
    other = Harness(Task.load(BIKES), tmp_path / "other", seed=8)
    other.prepare()
    for view in VIEWS:
        assert content(again.data(view)) == content(bikes.data(view))
        assert content(other.data(view)) != content(bikes.data(view))


def test_the_full_view_is_the_task_as_it_is(bikes: Harness) -> None:
    for name in ("train.csv", "test.csv", "sample_submission.csv", "description.md"):
        assert (bikes.data("full") / name).read_bytes() == (bikes.task.public / name).read_bytes()
    assert not any("answer" in name or "private" in name for view in VIEWS for name in content(bikes.data(view)))


def test_validation_is_held_as_far_away_as_the_test_is(bikes: Harness) -> None:
    train, folds = bikes.task.typed_train.set_index("id"), pd.read_csv(bikes.data("full") / "folds.csv")
    for _, part in folds.groupby("split"):
        days = {role: set(train.loc[rows["id"], "day"]) for role, rows in part.groupby("role")}
        assert not days["train"] & days["valid"]
        assert set(part["id"]) == set(train.index)


def test_the_debug_view_is_a_small_sample_of_the_same_shape(bikes: Harness) -> None:
    full, debug = bikes.data("full"), bikes.data("debug")
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        lines, sample = (full / name).read_text().splitlines(), (debug / name).read_text().splitlines()
        assert sample[0] == lines[0]
        rows, kept = ([line.rsplit(",", 1)[0] for line in each] for each in (lines, sample))
        assert set(kept) <= set(rows), "rows keep the very text that they have in the task, but for exchanged labels"
        assert len(sample) - 1 == max(200, round(0.1 * (len(lines) - 1)))


def test_no_label_of_the_hold_out_is_in_its_view(bikes: Harness) -> None:
    folder = bikes.data("holdout")
    train, test = pd.read_csv(folder / "train.csv"), pd.read_csv(folder / "test.csv")
    every = bikes.task.typed_train.set_index("id")
    assert set(train["id"]) | set(test["id"]) == set(every.index)
    assert not set(train["id"]) & set(test["id"])
    assert "bikers" not in test
    assert set(pd.read_csv(folder / "folds.csv")["id"]) == set(train["id"])
    assert set(pd.read_csv(folder / "sample_submission.csv")["id"]) == set(test["id"])
    assert pd.read_csv(folder / "sample_submission.csv")["bikers"].nunique() == 1
    assert not set(train["day"]) & set(test["day"]), "whole days, as the task's own test"
    assert 0.15 < len(test) / len(every) < 0.25


def test_task_json_says_what_the_contract_says(tmp_path: Path) -> None:
    limits = ScriptLimits(debug_seconds=20, full_seconds=60, threads=2, memory_gib=3.5)
    harness = Harness(Task.load(BIKES), tmp_path, seed=7, limits=limits)
    harness.prepare()
    said = {view: json.loads((harness.data(view) / "task.json").read_text()) for view in VIEWS}
    assert {view: each.pop("limits") for view, each in said.items()} == {
        "full": {"seconds": 60, "threads": 2, "memory_gib": 3.5},
        "debug": {"seconds": 20, "threads": 2, "memory_gib": 3.5},
        "holdout": {"seconds": 60, "threads": 2, "memory_gib": 3.5},
    }
    assert said["full"] == said["debug"] == said["holdout"] == {
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
    }  # fmt: skip


def test_a_real_solution_is_scored_from_its_predictions(bikes: Harness, solved: dict[str, dict[str, Path]]) -> None:
    evaluation = bikes.evaluate("full", solved["full"])
    assert evaluation.valid and evaluation.verified
    oof = pd.read_csv(solved["full"]["oof.csv"])
    truth = bikes.task.typed_train.set_index("id")["bikers"]
    folds = [sk.root_mean_squared_log_error(truth.loc[part["id"]], part["bikers"]) for _, part in oof.groupby("split")]
    assert evaluation.folds == pytest.approx(folds)
    assert evaluation.score is not None
    assert evaluation.score == pytest.approx(np.mean(folds))
    assert evaluation.standard_error == pytest.approx(np.std(folds, ddof=1) / math.sqrt(5))
    assert evaluation.score < 0.6 < 1.2 < bikes.dummy_score()
    assert evaluation.train_folds == (0.5,) * 5
    assert evaluation.importance == {"season": 0.7}
    submission = solved["full"]["submission.csv"].read_bytes()
    assert evaluation.submission_sha256 == hashlib.sha256(submission).hexdigest()
    assert evaluation == bikes.evaluate("full", solved["full"])


def test_residuals_show_where_the_loss_is(bikes: Harness, solved: dict[str, dict[str, Path]]) -> None:
    slices = bikes.evaluate("full", solved["full"]).residuals
    assert 3 <= len(slices) <= 12
    oof = pd.read_csv(solved["full"]["oof.csv"]).merge(bikes.task.typed_train, on="id", suffixes=("_said", ""))
    error = np.log1p(oof["bikers_said"]) - np.log1p(oof["bikers"])
    for each in slices:
        if each.feature == "weathersit":
            rows = (oof["weathersit"] == each.value).to_numpy()
            assert each.rows == rows.sum()
            assert each.share_of_loss == pytest.approx((error[rows] ** 2).sum() / (error**2).sum(), abs=1e-4)
            assert each.bias == pytest.approx(error[rows].mean(), abs=1e-6)
            assert each.share_of_loss > each.rows / len(oof)
    assert "weathersit" in [each.feature for each in slices], "rain is what this model has not understood"


def test_debug_and_hold_out_are_scored_too(bikes: Harness, solved: dict[str, dict[str, Path]]) -> None:
    debug = bikes.evaluate("debug", solved["debug"])
    assert debug.valid and len(debug.folds) == 5 and debug.residuals == ()
    held = bikes.evaluate("holdout", solved["holdout"])
    truth = bikes.task.typed_train.set_index("id")["bikers"]
    said = pd.read_csv(solved["holdout"]["submission.csv"])
    assert held.score == pytest.approx(sk.root_mean_squared_log_error(truth.loc[said["id"]], said["bikers"]))
    assert held.folds == (held.score,)
    assert held.standard_error is not None and 0 < held.standard_error < 0.1
    without = {"submission.csv": solved["holdout"]["submission.csv"]}
    assert bikes.evaluate("holdout", without) == held, "a hold-out is judged by the submission alone"


def test_the_private_grade_agrees_with_the_answers(bikes: Harness, solved: dict[str, dict[str, Path]]) -> None:
    graded = grade(bikes.task, solved["full"]["submission.csv"])
    assert graded is not None
    assert bikes.task.answers is not None
    both = pd.read_csv(solved["full"]["submission.csv"]).merge(pd.read_csv(bikes.task.answers), on="id")
    assert graded.score == round(sk.root_mean_squared_log_error(both["bikers_y"], both["bikers_x"]), 5)


def test_a_target_copied_into_the_predictions_is_a_severe_leak(
    bikes: Harness, solved: dict[str, dict[str, Path]], tmp_path: Path
) -> None:
    oof = pd.read_csv(solved["full"]["oof.csv"])
    oof["bikers"] = bikes.task.typed_train.set_index("id").loc[oof["id"], "bikers"].to_numpy()
    oof.to_csv(tmp_path / "oof.csv", index=False)
    evaluation = bikes.evaluate("full", solved["full"] | {"oof.csv": tmp_path / "oof.csv"})
    assert [(leak.code, leak.severity) for leak in evaluation.leaks] == [("target-copied", "severe")]


def test_predictions_too_large_for_a_score_are_a_defect(
    bikes: Harness, solved: dict[str, dict[str, Path]], tmp_path: Path
) -> None:
    harness = Harness(Task.load(make_task(tmp_path / "task")), tmp_path / "views", seed=1)
    harness.prepare()
    for view in ("full", "holdout"):
        files = solve(harness.data(view), tmp_path / view)
        for name in ("oof.csv", "submission.csv"):
            table = pd.read_csv(files[name])
            table.loc[0, "y"] = 1e300
            table.to_csv(files[name], index=False)
        evaluation = harness.evaluate(view, files)
        assert [note.code for note in evaluation.defects] == ["overflow"]
        assert evaluation.score is None


@pytest.mark.parametrize(
    "claims",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"train_scores": [1, 2], "importance": [1]}',
        b'{"train_scores": [NaN, 1, 1, 1, 1], "importance": {"a": NaN, "b": "x", "c": true}}',
        b'{"train_scores": "12345", "importance": null}',
        b'{"train_scores": [1' + b"0" * 5000 + b",1,1,1,1]}",
    ],
)
def test_claims_out_of_form_are_left_out(
    bikes: Harness, solved: dict[str, dict[str, Path]], tmp_path: Path, claims: bytes
) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(claims)
    evaluation = bikes.evaluate("full", solved["full"] | {"evidence.json": path})
    assert evaluation.valid and evaluation.score is not None
    assert (evaluation.train_folds, evaluation.importance) == ((), {})


def test_nothing_written_is_named(bikes: Harness) -> None:
    evaluation = bikes.evaluate("full", {})
    assert [note.message for note in evaluation.defects] == [
        "submission.csv was not written",
        "oof.csv was not written",
    ]
    assert evaluation.score is None and evaluation.submission_sha256 is None
    assert [note.code for note in bikes.evaluate("holdout", {}).defects] == ["missing-file"]


@pytest.mark.parametrize(
    ("kind", "metric"),
    [("regression", "mae"), ("binary", "auc"), ("binary", "f1"), ("multiclass", "log-loss"), ("multiclass", "qwk")],
)
@pytest.mark.parametrize(
    "split", [None, "{kind: group, column: shop}", "{kind: time, column: date}", "{kind: holdout}"]
)
def test_any_task_and_split_goes_through(tmp_path: Path, kind: str, metric: str, split: str | None) -> None:
    task = Task.load(make_task(tmp_path / "task", kind, metric=metric, split=split))
    harness = Harness(task, tmp_path / "views", seed=3)
    harness.prepare()
    for view in VIEWS:
        evaluation = harness.evaluate(view, solve(harness.data(view), tmp_path / view))
        assert evaluation.defects == ()
        assert evaluation.score is not None
    full = harness.evaluate("full", {name: tmp_path / "full" / name for name in ("oof.csv", "submission.csv")})
    assert full.score is not None and task.metric.better(full.score, harness.dummy_score())
    assert full.standard_error is not None, "of the folds, or of one split's rows"
    graded = grade(task, tmp_path / "full" / "submission.csv")
    assert graded is not None and math.isfinite(graded.score)


def test_the_debug_view_keeps_every_class(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", "multiclass", rows=3000)
    path = folder / "prepared" / "public" / "train.csv"
    train = pd.read_csv(path)
    train["y"] = np.where(np.arange(3000) < 8, "high", np.where(train["y"] == "high", "mid", train["y"]))
    train.to_csv(path, index=False)
    harness = Harness(Task.load(folder), tmp_path / "views", seed=2)
    harness.prepare()
    debug = pd.read_csv(harness.data("debug") / "train.csv")
    assert (debug["y"] == "high").sum() == 8
    assert len(debug) < 450


def test_prepare_is_done_once_and_again_when_something_changed(tmp_path: Path) -> None:
    task = Task.load(make_task(tmp_path / "task"))
    Harness(task, tmp_path / "views", seed=1).prepare()
    before = (tmp_path / "views" / "full" / "task.json").stat().st_ino
    Harness(task, tmp_path / "views", seed=1).prepare()
    assert (tmp_path / "views" / "full" / "task.json").stat().st_ino == before
    folds = (tmp_path / "views" / "full" / "folds.csv").read_bytes()
    Harness(task, tmp_path / "views", seed=2).prepare()
    assert (tmp_path / "views" / "full" / "folds.csv").read_bytes() != folds


def test_side_files_go_into_every_view_under_their_names(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    side = folder / "prepared" / "public" / "images" / "a"
    side.mkdir(parents=True)
    (side / "1.png").write_bytes(b"\x89PNG")
    harness = Harness(Task.load(folder), tmp_path / "views", seed=1)
    harness.prepare()
    assert all((harness.data(view) / "images" / "a" / "1.png").read_bytes() == b"\x89PNG" for view in VIEWS)


def test_too_few_groups_for_a_hold_out_is_said_before_anything_runs(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", split="{kind: group, column: city, folds: 4}")
    with pytest.raises(TaskError, match="too few for 4 folds"):
        Harness(Task.load(folder), tmp_path / "views", seed=1).prepare()


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
    assert columns["city"].cardinality == 4
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


def test_no_private_answer_is_in_any_view(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    answers = folder / "prepared" / "private" / "answers.csv"
    table = pd.read_csv(answers, dtype=str)
    secrets = [f"98765.{row:04d}" for row in range(len(table))]
    table.assign(y=secrets).to_csv(answers, index=False)
    harness = Harness(Task.load(folder), tmp_path / "views", seed=1)
    harness.prepare()
    written = [path for path in harness.folder.rglob("*") if path.is_file()]
    assert len(written) >= 18
    for path in written:
        assert "98765." not in path.read_text(encoding="utf-8"), path
    assert "98765." not in harness.task.brief.model_dump_json() + harness.profile.model_dump_json()


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
        harness.prepare()
        valid = pd.read_csv(harness.data("full") / "folds.csv").query("role == 'valid'")
        said = DataFrame({"id": valid["id"], "split": valid["split"], "a": draw.random(200), "b": draw.random(200)})
        said.to_csv(tmp_path / "oof.csv", index=False)
        test[["id"]].assign(a=draw.random(len(test)), b=0.5).to_csv(tmp_path / "submission.csv", index=False)
        files = {name: tmp_path / name for name in ("oof.csv", "submission.csv")}
        evaluation = harness.evaluate("full", files)
        both = said.merge(train.assign(a=columns[:, 0], b=columns[:, 1]), on="id")
        score = sk.root_mean_squared_error if metric == "mcrmse" else sk.roc_auc_score
        folds = [
            np.mean([score(part[f"{name}_y"], part[f"{name}_x"]) for name in ("a", "b")])
            for _, part in both.groupby("split")
        ]
        assert evaluation.defects == ()
        assert evaluation.folds == pytest.approx(folds)
        assert math.isfinite(harness.dummy_score())
