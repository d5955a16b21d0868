"""Tasks from tables: they load, split and grade; ambiguous targets must be decided, invalid files are reported."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gome.cli.app import main
from gome.errors import TaskError
from gome.scenarios.authoring.from_table import MetricInDoubt, guess_metric, new_task
from gome.scenarios.config.loader import load_scenario, resolve_task
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.grading.grade import grade
from gome.scenarios.prepare.preparing import TASKS
from gome.scenarios.prepare.recipes import RECIPES
from tests.scenarios.helpers.make_task import make_task
from tests.scenarios.helpers.solved import trial


def table(tmp_path: Path, kind: str = "regression") -> Path:
    """A user's own CSV file."""
    made = make_task(tmp_path / f"source-{kind}", kind) / "prepared" / "public" / "train.csv"
    return made.rename(tmp_path / f"{kind}.csv")


@pytest.mark.parametrize(
    ("kind", "metric", "guessed"),
    [
        ("regression", None, "rmse"),
        ("regression", "rmsle", "rmsle"),
        ("binary", None, "auc"),
        ("multiclass", None, "log-loss"),
    ],
)
def test_a_table_becomes_a_task_that_is_solved_and_graded(
    tmp_path: Path, kind: str, metric: str | None, guessed: str
) -> None:
    made = new_task(tmp_path / "own", table(tmp_path, kind), ["y"], metric)
    brief = made.task.brief
    assert (brief.name, brief.task_type, brief.metric, brief.id_column) == ("own", kind, guessed, "id")
    assert (brief.train_rows, brief.test_rows) == (240, 60)
    harness = Harness(made.task, tmp_path / "views", seed=1)
    found = trial(harness, tmp_path / "out")
    assert found.evaluation.leaks == () and found.evaluation.score is not None
    (tmp_path / "submission.csv").write_text(found.submission)
    graded = grade(made.task, tmp_path / "submission.csv")
    assert graded is not None
    assert any("held out" in guess for guess in made.guesses)


def test_rows_without_ids_are_numbered_and_a_test_of_ones_own_is_kept(tmp_path: Path) -> None:
    train = pd.read_csv(table(tmp_path)).drop(columns="id")
    train.head(200).to_csv(tmp_path / "train.csv", index=False)
    train.drop(columns="y").tail(100).to_csv(tmp_path / "test.csv", index=False)
    made = new_task(tmp_path / "own", tmp_path / "train.csv", ["y"], test=tmp_path / "test.csv")
    assert (made.task.brief.train_rows, made.task.brief.test_rows, made.task.answers) == (200, 100, None)
    assert list(made.task.test["id"]) == [str(number) for number in range(201, 301)]
    assert any("numbered" in guess for guess in made.guesses)


def test_groups_stay_together_and_times_come_later(tmp_path: Path) -> None:
    path = table(tmp_path)
    shops = new_task(tmp_path / "shops", path, ["y"], split="group:shop").task
    assert not set(shops.train["shop"]) & set(shops.test["shop"])
    days = new_task(tmp_path / "days", path, ["y"], split="time:date").task
    assert max(days.train["date"]) < min(days.test["date"])


def test_a_test_of_later_times_or_other_groups_says_how_to_validate(tmp_path: Path) -> None:
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=200).strftime("%Y-%m-%d"), "x": range(200)})
    days = days.assign(farm=days.index // 8, y=days["x"] * 1.5)
    days[:160].to_csv(tmp_path / "train.csv", index=False)
    days[160:].drop(columns="y").to_csv(tmp_path / "test.csv", index=False)
    made = new_task(tmp_path / "days", tmp_path / "train.csv", ["y"], test=tmp_path / "test.csv")
    assert (made.task.brief.split.kind, made.task.brief.split.column) == ("time", "day")
    assert any(guess.startswith("validation by time") for guess in made.guesses)
    given = new_task(tmp_path / "given", tmp_path / "train.csv", ["y"], test=tmp_path / "test.csv", split="random")
    assert given.task.brief.split.kind == "random"
    mixed = days.sample(frac=1, random_state=0).drop(columns="day")
    mixed[mixed["farm"] < 20].to_csv(tmp_path / "train.csv", index=False)
    mixed[mixed["farm"] >= 20].drop(columns="y").to_csv(tmp_path / "test.csv", index=False)
    made = new_task(tmp_path / "farms", tmp_path / "train.csv", ["y"], test=tmp_path / "test.csv")
    assert (made.task.brief.split.kind, made.task.brief.split.column) == ("group", "farm")


def test_files_and_folders_beside_the_table_go_to_scripts(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "1.png").write_bytes(b"a picture")
    (tmp_path / "shops.csv").write_text("shop,size\n1,2\n")
    extra = [pictures, tmp_path / "shops.csv"]
    task = new_task(tmp_path / "own", table(tmp_path), ["y"], extra=extra).task
    harness = Harness(task, tmp_path / "views", seed=1)
    for view in ("split-1", "full", "debug", "holdout"):
        assert (harness.data(view) / "pictures" / "1.png").read_bytes() == b"a picture"
        assert (harness.data(view) / "shops.csv").is_file()
    with pytest.raises(TaskError, match=r"shops is neither a file nor a folder"):
        new_task(tmp_path / "other", tmp_path / "regression.csv", ["y"], extra=[tmp_path / "shops"])
    with pytest.raises(TaskError, match="the task already has a file of that name"):
        new_task(tmp_path / "other", tmp_path / "regression.csv", ["y"], extra=[tmp_path / "own" / "task.yaml"] * 2)
    assert not (tmp_path / "other").exists()


def test_the_verb_writes_a_scenario_that_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["task", "new", str(tmp_path / "own"), "--train", str(table(tmp_path)), "--target", "y"])
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "regression, rmse (minimize), split random" in said
    assert "guessed: metric rmse" in said
    scenario = tmp_path / "own" / "scenario.yaml"
    assert resolve_task(load_scenario(scenario), scenario) == tmp_path / "own"
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(scenario)])
    assert not ended.value.code


def test_few_whole_numbers_are_asked_about(tmp_path: Path) -> None:
    stars = pd.DataFrame({"stars": ["1", "2", "3", "4", "5"] * 20})
    with pytest.raises(MetricInDoubt, match="quantities or classes"):
        guess_metric(stars, "stars", Path("own.csv"))
    assert guess_metric(pd.DataFrame({"y": ["0", "1"] * 50}), "y", Path("own.csv")) == "auc"
    assert guess_metric(pd.DataFrame({"y": [str(n) for n in range(100)]}), "y", Path("own.csv")) == "rmse"
    assert guess_metric(pd.DataFrame({"y": ["a", "b", "c"] * 30}), "y", Path("own.csv")) == "log-loss"
    words = r"own\.csv: column 'y', row 3: '\$2' is not a number, and 500 distinct values in 500 rows are too many"
    with pytest.raises(TaskError, match=words):
        guess_metric(pd.DataFrame({"y": ["0", "1", *(f"${n}" for n in range(2, 500))]}), "y", Path("own.csv"))


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda n: f"${n},830.50", "'$0,830.50' (row 1)"),
        (lambda n: f"{n},5", "'0,5' (row 1)"),
        (lambda n: f"{n} %", "'0 %' (row 1)"),
        (lambda n: f"1.{100 + n}.000,75 €", "'1.100.000,75 €' (row 1)"),
        (lambda n: str(n) if n else "1,000", "'1,000' (row 1)"),
        (lambda n: "" if n < 3 else f"({n}.5)", "'(3.5)' (row 4)"),
    ],
)
def test_numbers_that_no_program_reads_are_named(tmp_path: Path, write: Callable[[int], str], said: str) -> None:
    own = pd.read_csv(table(tmp_path), dtype=str, keep_default_na=False)
    own.assign(size=[write(n) for n in range(len(own))]).to_csv(tmp_path / "own.csv", index=False)
    guesses = new_task(tmp_path / "own", tmp_path / "own.csv", ["y"]).guesses
    (named,) = (each for each in guesses if "is read as text" in each)
    assert named.startswith("column 'size' ") and said in named and "such as 1234.5" in named


@pytest.mark.parametrize(
    "write",
    [
        lambda n: f"2024-01-{n % 28 + 1:02}",
        lambda n: f"12.03.{2000 + n}",
        lambda n: f"10.0.0.{n}",
        lambda n: f"A{n}",
        lambda n: f"{n}:30",
        lambda n: "NA" if n % 2 else f"{n}.5",
        lambda n: "1,5" if n == 7 else f"word {n}",
    ],
)
def test_words_that_are_no_numbers_are_left_alone(tmp_path: Path, write: Callable[[int], str]) -> None:
    own = pd.read_csv(table(tmp_path), dtype=str, keep_default_na=False)
    own.assign(size=[write(n) for n in range(len(own))]).to_csv(tmp_path / "own.csv", index=False)
    made = new_task(tmp_path / "own", tmp_path / "own.csv", ["y"])
    assert not [each for each in made.guesses if "is read as text" in each]


def test_every_task_of_the_house_has_a_scenario_of_its_name() -> None:
    for name in RECIPES:
        scenario = load_scenario(TASKS.parent / f"{name}.yaml")
        assert (scenario.name, resolve_task(scenario, TASKS.parent)) == (name, TASKS / name)
        assert {scenario.backends[each].kind for each in scenario.roles.backends} == {"expert"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": ["Y"]}, "no column 'Y'; did you mean 'y'"),
        ({"metric": "rmsel"}, "did you mean rmse"),
        ({"split": "group"}, "group:COLUMN"),
        ({"split": "time:when"}, "no column 'when'"),
        ({"id_column": "key"}, "no column 'key'"),
        ({"metric": "auc"}, "classes"),
        ({"test": Path("nowhere.csv")}, "is not a file"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = table(tmp_path)
    with pytest.raises(TaskError, match=words):
        new_task(tmp_path / "own", path, **{"targets": ["y"], **changes})
    assert [each.name for each in tmp_path.iterdir() if "source" not in each.name] == ["regression.csv"]


@pytest.mark.parametrize(
    ("column", "arguments", "words"),
    [
        ({"y": ["", *range(99)]}, {}, r"own\.csv: column 'y', row 1: the target '' counts as missing"),
        ({"y": [*["None", "Brick"] * 50]}, {}, r"own\.csv: column 'y', row 1: the target 'None' counts as missing"),
        ({"y": [7] * 100}, {"metric": "rmse"}, "only one value"),
        ({"y": [*range(99), -5]}, {"metric": "rmsle"}, r"own\.csv: column 'y', row 100: target '-5' is below 0"),
        ({"y": [n / 7 for n in range(150)]}, {"metric": "accuracy"}, "is for classes"),
        ({"y": [f"{n},000.5" for n in range(150)]}, {}, "plain numbers"),
        ({"y": range(100)}, {"targets": ["y", "y"]}, "given twice"),
        ({"y": range(100)}, {"id_column": "y"}, "is a target and cannot be the id"),
        ({"key": [1, 1, *range(98)]}, {"id_column": "key"}, r"own\.csv: column 'key', row 2: id '1' is a duplicate"),
        ({"g": ["a", "b"] * 50}, {"split": "group:g"}, "too few distinct values for validation: 2"),
        ({"when": ["31.01.2024"] * 100}, {"split": "time:when"}, r"dates such as 2024-01-31: Time data [^\n]*$"),
        ({"g": range(100)}, {"split": "group:y"}, "is a target and cannot be used for the split"),
    ],
)
def test_what_is_wrong_is_said_of_the_users_own_file(
    tmp_path: Path, column: dict[str, Any], arguments: dict[str, Any], words: str
) -> None:
    rows = len(next(iter(column.values())))
    table = pd.DataFrame({"x": [n / 3 for n in range(rows)], "y": range(rows), **column}).astype(str)
    table.to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(TaskError, match=words) as refused:
        new_task(tmp_path / "own", tmp_path / "own.csv", **{"targets": ["y"], **arguments})
    assert ".new-task-" not in str(refused.value)
    assert [each.name for each in tmp_path.iterdir()] == ["own.csv"]


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_with_other_separators_is_told_from_a_damaged_one(tmp_path: Path, sign: str, name: str) -> None:
    path = tmp_path / "own.csv"
    for field in ("word", "one, two"):
        path.write_text(f"x{sign}y\n" + f"{field}{sign}2\n" * 30)
        with pytest.raises(TaskError, match=f"uses {name}: save it with commas"):
            new_task(tmp_path / "own", path, ["y"])


def test_a_test_is_held_against_the_users_training_table(tmp_path: Path) -> None:
    train, test = table(tmp_path), tmp_path / "test.csv"
    rows = pd.read_csv(train)
    rows.head(3).to_csv(test, index=False)
    with pytest.raises(TaskError, match=r"test\.csv: column 'y' is a target"):
        new_task(tmp_path / "own", train, ["y"], test=test)
    rows.head(3).drop(columns="y").assign(more=1).to_csv(test, index=False)
    with pytest.raises(TaskError, match=r"test\.csv: column 'more' is not in regression\.csv"):
        new_task(tmp_path / "own", train, ["y"], test=test)
    rows.head(3).drop(columns=["y", "id"]).to_csv(test, index=False)
    made = new_task(tmp_path / "own", train, ["y"], test=test)
    assert made.task.brief.test_rows == 3
    assert "test.csv has no column 'id': its rows are numbered from 301" in made.guesses
    rows.drop(columns="id").to_csv(tmp_path / "no-id.csv", index=False)
    rows.head(3).drop(columns="y").rename(columns={"id": "ID"}).to_csv(test, index=False)
    kept = new_task(tmp_path / "kept", tmp_path / "no-id.csv", ["y"], test=test)
    assert (kept.task.brief.id_column, list(kept.task.test["ID"])) == ("ID", list(rows["id"].head(3).astype(str)))


def test_every_class_is_left_to_learn_from_and_ids_are_no_class(tmp_path: Path) -> None:
    kinds = ["id", "no"] * 30 + ["once", "twice", "twice"]
    for last in range(6):
        turned = kinds[last:] + kinds[:last]
        path = tmp_path / f"own{last}.csv"
        pd.DataFrame({"x": range(len(turned)), "kind": turned}).to_csv(path, index=False)
        task = new_task(tmp_path / f"task{last}", path, ["kind"]).task
        assert set(task.train["kind"]) == {"id", "no", "once", "twice"}
        assert (task.brief.id_column, len(task.brief.classes)) == ("row_number", 4)


def test_few_groups_make_few_folds_and_a_class_of_the_test_alone_is_said(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    shops = pd.DataFrame({"shop": list("abcd") * 25, "y": range(100)})
    shops.to_csv(path, index=False)
    made = new_task(tmp_path / "shops", path, ["y"], split="group:shop")
    assert made.task.brief.split.folds == made.task.train["shop"].nunique() == 3
    assert any(guess.startswith("3 folds") for guess in made.guesses)
    days = pd.DataFrame({"day": range(100), "kind": ["old", "older"] * 40 + ["new"] * 20})
    days.to_csv(path, index=False)
    with pytest.raises(TaskError, match="all rows of class 'new' are in the test, a fifth of the rows by 'day'"):
        new_task(tmp_path / "days", path, ["kind"], split="time:day")


def test_what_cannot_be_copied_or_written_is_said(tmp_path: Path) -> None:
    path, folder = table(tmp_path), tmp_path / "with-a-pipe"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    for extra, words in (([folder], "pipe cannot be copied"), ([tmp_path], "cannot be part of the task")):
        with pytest.raises(TaskError, match=words):
            new_task(tmp_path / "own", path, ["y"], extra=extra)
    with pytest.raises(TaskError, match="cannot be written"):
        new_task(path / "own", path, ["y"])
    (tmp_path / "samples.csv").write_text("a,b\n1,2\n")
    assert new_task(tmp_path / "own", path, ["y"], extra=[tmp_path / "samples.csv"]).task.sample_file.startswith(
        "sample_"
    )


def test_the_verb_writes_a_task_and_does_not_write_over_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["task", "new", str(tmp_path / "own"), "--train", str(table(tmp_path)), "--target", "y"]
    for code in (0, 2):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--json"])
        assert ended.value.code == code
    printed = capsys.readouterr()
    assert json.loads(printed.out)["data"]["task"]["metric"] == "rmse"
    assert "already exists" in printed.err


def test_the_tasks_of_the_house_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["task", "list", "--json"])
    assert ended.value.code == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["data"]}
    assert listed["bike-demand"]["prepared"] is True
    assert len(listed) >= 8
