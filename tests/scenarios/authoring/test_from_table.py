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
from gome.scenarios.task.task import Task
from gome.scenarios.task.text_table import TextTable
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
    assert "table: metric rmse" in said
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
        (lambda n: f"${n + 1},830.50", "'$', signs between thousands removed"),
        (lambda n: f"{n},5", "comma as decimal sign"),
        (lambda n: f"{n} %", "'%' removed"),
        (lambda n: f"1.{100 + n}.000,75 €", "'€', signs between thousands removed; comma as decimal sign"),
        (lambda n: str(n) if n else "1,000", "signs between thousands removed"),
        (lambda n: "none" if n < 3 else f"({n}.5)", "gaps written as 'none' (own.csv, row 1, and 2 more)"),
    ],
)
def test_numbers_as_people_write_them_are_numbers(tmp_path: Path, write: Callable[[int], str], said: str) -> None:
    own = pd.read_csv(table(tmp_path), dtype=str, keep_default_na=False)
    own.assign(size=[write(n) for n in range(len(own))]).to_csv(tmp_path / "own.csv", index=False)
    made = new_task(tmp_path / "own", tmp_path / "own.csv", ["y"])
    (named,) = (each for each in made.guesses if each.startswith("column 'size': "))
    assert said in named
    assert made.task.brief.dtypes["size"] in ("int64", "float64")
    assert made.task.typed_train["size"].notna().mean() > 0.9


@pytest.mark.parametrize(
    "write",
    [
        lambda n: f"2024-01-{n % 28 + 1:02}",
        lambda n: f"2024-{n % 12 + 1:02}",
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
    assert not [each for each in made.guesses if "column 'size'" in each]


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
        ({"y": ["", *range(99)]}, {}, r"own\.csv: column 'y', row 1 \(line 2\): the target '' counts as missing;"),
        (
            {"y": [*range(97), "n/a", "", "n/a"]},
            {},
            r"row 98 \(line 99\): the target 'n/a' [^;]* \(the first of 3 such",
        ),
        (
            {"y": [*["None", "Brick"] * 50]},
            {},
            r"own\.csv: column 'y', row 1 \(line 2\): the target 'None' counts",
        ),
        ({"y": [7] * 100}, {"metric": "rmse"}, "only one value"),
        ({"y": [*range(99), -5]}, {"metric": "rmsle"}, r"own\.csv: column 'y', row 100: target '-5' is below 0"),
        ({"y": [n / 7 for n in range(150)]}, {"metric": "accuracy"}, "is for classes"),
        ({"y": [f"{n} g" if n % 2 else f"{n} kg" for n in range(150)]}, {}, "plain numbers"),
        ({"y": ["1e155", *range(99)]}, {}, r"own\.csv: column 'y', row 1: target '1e155' is beyond 1e\+100"),
        ({"y": ["-inf", *range(99)]}, {}, r"own\.csv: column 'y', row 1: target '-inf' is not a finite number"),
        (
            {"x": [3] * 100, "z": ["none"] * 100},
            {},
            "nothing to predict from: each of the columns 'x', 'z' has the same",
        ),
        ({"y": range(100)}, {"targets": ["y", "y"]}, "given twice"),
        ({"y": range(100)}, {"id_column": "y"}, "is a target and cannot be the id"),
        ({"key": [1, 1, *range(98)]}, {"id_column": "key"}, r"own\.csv: column 'key', row 2: id '1' is a duplicate"),
        ({"g": ["a", "b"] * 50}, {"split": "group:g"}, "too few distinct values for validation: 2"),
        ({"when": ["week 5"] * 100}, {"split": "time:when"}, r"dates such as 2024-01-31: Time data [^\n]*$"),
        ({"when": ["31.01.2024"] * 100}, {"split": "time:when"}, "too few distinct values for validation: 1"),
        ({"y": [""] * 100}, {"drop_missing": True}, "has no value in any row"),
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


def test_a_test_is_held_against_the_users_training_table(tmp_path: Path) -> None:
    train, test = table(tmp_path), tmp_path / "test.csv"
    rows = pd.read_csv(train)
    rows.head(3).drop(columns=["y", "id"]).to_csv(test, index=False)
    made = new_task(tmp_path / "own", train, ["y"], test=test)
    assert made.task.brief.test_rows == 3
    assert "test.csv has no column 'id': its rows are numbered from 301" in made.guesses
    rows.drop(columns="id").to_csv(tmp_path / "no-id.csv", index=False)
    rows.head(3).drop(columns="y").rename(columns={"id": "ID"}).to_csv(test, index=False)
    kept = new_task(tmp_path / "kept", tmp_path / "no-id.csv", ["y"], test=test)
    assert (kept.task.brief.id_column, list(kept.task.test["ID"])) == ("ID", list(rows["id"].head(3).astype(str)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.assign(y=""), "test.csv: column 'y' is empty and left out"),
        (lambda rows: rows.assign(Y="NA").drop(columns="y"), "test.csv: column 'y' is empty and left out"),
        (lambda rows: rows, "test.csv has the targets: they are the private answers"),
        (lambda rows: rows.drop(columns="y").assign(more=1), "not in regression.csv and left out: 'more'"),
        (lambda rows: rows.drop(columns="y").rename(columns={"id": "ID"}), "test.csv: column 'ID' is taken as 'id'"),
        (lambda rows: rows.drop(columns="y").rename(columns={"area": " AREA "}), "column 'AREA' is taken as 'area'"),
        (lambda rows: rows.drop(columns=["y", "area"]), "test.csv lacks 'area'"),
    ],
)
def test_a_test_of_another_form_is_taken_with_a_word(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    train = table(tmp_path)
    change(pd.read_csv(train).head(9)).to_csv(tmp_path / "test.csv", index=False)
    made = new_task(tmp_path / "own", train, ["y"], test=tmp_path / "test.csv")
    assert any(said in each for each in made.guesses), made.guesses
    assert "y" not in made.task.test and "more" not in made.task.test
    assert (made.task.answers is not None) == ("private answers" in said)


def test_a_test_with_some_targets_is_refused(tmp_path: Path) -> None:
    rows = pd.read_csv(train := table(tmp_path)).head(9)
    rows.loc[3, "y"] = None
    rows.to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(TaskError, match=r"test\.csv: column 'y' is a target with values in some rows"):
        new_task(tmp_path / "own", train, ["y"], test=tmp_path / "test.csv")


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


def test_the_split_is_told_and_others_are_suggested(tmp_path: Path) -> None:
    days = [f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in range(200)]
    columns = {"x": [n * n % 17 for n in range(200)], "when": days, "patient_id": [n % 40 for n in range(200)]}
    path = tmp_path / "own.csv"
    pd.DataFrame({**columns, "y": [n / 7 for n in range(200)]}).to_csv(path, index=False)
    told = "\n".join(new_task(tmp_path / "own", path, ["y"]).guesses)
    assert "validation on random rows" in told
    assert "use --split time:when" in told and "use --split group:patient_id" in told
    asked = "\n".join(new_task(tmp_path / "asked", path, ["y"], split="time:when").guesses)
    assert "--split" not in asked and "validation on" not in asked
    plain = "\n".join(new_task(tmp_path / "plain", table(tmp_path, "binary"), ["y"], split=None).guesses)
    assert "validation on random rows with each class in equal shares" in plain


def test_an_index_without_a_name_gets_one_and_is_the_id(tmp_path: Path) -> None:
    rows = "\n".join(f"{row},{row % 7 / 10},{row * 37 % 11 + 0.5}" for row in range(60))
    path = tmp_path / "indexed.csv"
    path.write_text(f",a,price\n{rows}\n", encoding="utf-8")
    made = new_task(tmp_path / "task", path, ("price",))
    assert made.task.brief.id_column == "column_1"
    assert "column 'column_1' numbers the rows: it is the id, not a feature" in made.guesses
    assert list(made.task.train.columns) == ["column_1", "a", "price"]


def test_an_answer_that_cannot_be_scored_is_named_by_the_file_of_the_test(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number * 1.5}\n" for number in range(30))
    (tmp_path / "train.csv").write_text(f"x,y\n{rows}")
    (tmp_path / "asked.csv").write_text("x,y\n1,?\n2,3.5\n")
    with pytest.raises(TaskError, match=r"asked\.csv: column 'y', row 1: target '\?' is not a finite number"):
        new_task(tmp_path / "task", tmp_path / "train.csv", ["y"], test=tmp_path / "asked.csv")


def test_texts_that_are_all_different_are_no_classes_in_a_small_table_too(tmp_path: Path) -> None:
    """As where a header stands once more within the table; once "has no rows below its header" was said."""
    rows = "".join(f"{number},{number * 1.5}\n" for number in range(20))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}x,y\n{rows.replace('.', '.1')}")
    with pytest.raises(TaskError, match=r"column 'y', row 21: 'y' is not a number, and 4\d distinct values in 41 rows"):
        new_task(tmp_path / "task", tmp_path / "t.csv", ["y"])


@pytest.mark.parametrize("rows", [{7}, {7, 20}])
def test_a_class_of_one_or_two_rows_beside_one_other_is_refused(rows: set[int], tmp_path: Path) -> None:
    """Every script failed on the split that validates the only row left for training."""
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{number},{'ab'[number in rows]}\n" for number in range(40)))
    with pytest.raises(TaskError, match=r"'b' has [12] row\(s\); two classes need 3 rows or more"):
        new_task(tmp_path / "task", tmp_path / "t.csv", ["y"])


def test_no_line_is_named_that_is_another(tmp_path: Path) -> None:
    rows = "".join(f'{number},"two\nlines {number}",{number if number < 60 else ""}\n' for number in range(61))
    (tmp_path / "own.csv").write_text(f"x,words,y\n{rows}", encoding="utf-8")
    with pytest.raises(TaskError, match="column 'y', row 61: the target"):
        new_task(tmp_path / "own", tmp_path / "own.csv", targets=["y"])


def test_a_task_that_another_process_makes_meanwhile_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Task.load

    def slowly(folder: Path, written: tuple[TextTable, TextTable]) -> Task:
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "task.yaml").touch()
        return loaded(folder, written)

    monkeypatch.setattr(Task, "load", slowly)
    with pytest.raises(TaskError, match="own was made by another process meanwhile"):
        new_task(tmp_path / "own", table(tmp_path), targets=["y"])


def test_a_table_all_of_whose_targets_are_missing_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,None\n" * 30)
    with pytest.raises(TaskError, match="'y' has no value in any row"):
        new_task(tmp_path / "task", tmp_path / "t.csv", ["y"], "auc", drop_missing=True)


def test_rows_without_a_target_are_left_out_and_the_other_targets_read(tmp_path: Path) -> None:
    amounts = "".join(f'{number},"{"n/a" if number == 7 else f"$3,{100 + number % 9}"}"\n' for number in range(60))
    (tmp_path / "t.csv").write_text(f"x,y\n{amounts}")
    made = new_task(tmp_path / "task", tmp_path / "t.csv", ["y"], "rmse", drop_missing=True)
    assert set(made.task.train["y"]) <= {f"3{100 + number}" for number in range(9)}
    assert any("1 of 60 rows have no 'y'" in guess for guess in made.guesses)


def test_a_metric_of_quantities_for_words_names_those_that_fit(tmp_path: Path) -> None:
    sold = pd.DataFrame({"x": range(40), "sold": ["no", "yes"] * 20, "grade": ["low", "mid", "high", "mid"] * 10})
    sold.to_csv(tmp_path / "sold.csv", index=False)
    for target, fitting in (("sold", "auc, "), ("grade", "log-loss, accuracy")):
        with pytest.raises(TaskError, match=rf"{target}' has classes \(.*rmse is for quantities; .*{fitting}") as found:
            new_task(tmp_path / "own", tmp_path / "sold.csv", [target], "rmse")
        assert "mae" not in str(found.value) and not (tmp_path / "own").exists()
