"""Invalid tasks are rejected with file, column and row; valid ones are described correctly."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gome import scenarios
from gome.errors import TaskError
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.reading.problems import TaskProblems
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task, write_csv
from tests.scenarios.helpers.solved import trial

BIKES = Path(scenarios.__file__).parent / "tasks" / "bike-demand"
Change = Callable[[Path], None]


def edit(name: str, change: Callable[[list[list[str]]], object]) -> Change:
    """A change of the rows of a CSV file, header first."""

    def apply(folder: Path) -> None:
        path = folder / "prepared" / name
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        change(rows)
        write_csv(path, rows[0], rows[1:])

    return apply


def put(row: int, column: int, value: str) -> Callable[[list[list[str]]], object]:
    return lambda rows: rows[row].__setitem__(column, value)


def manifest(text: str) -> Change:
    return write("../task.yaml", text.encode())


def write(name: str, content: bytes) -> Change:
    def apply(folder: Path) -> None:
        (folder / "prepared" / name).write_bytes(content)

    return apply


def remove(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def both(first: Change, second: Change) -> Change:
    def apply(folder: Path) -> None:
        first(folder)
        second(folder)

    return apply


TRAIN, TEST, SAMPLE = "public/train.csv", "public/test.csv", "public/sample_submission.csv"
PLAIN = "id: id\ntargets: [y]\nmetric: rmse\n"

BROKEN: list[tuple[str, str, Change, list[str]]] = [
    ("no manifest", "regression", remove("task.yaml"), ["task.yaml is missing", "targets"]),
    ("no train file", "regression", remove("prepared/public/train.csv"), ["train.csv is missing", "the folder has"]),
    (
        "no sample submission",
        "regression",
        remove("prepared/public/sample_submission.csv"),
        ["sample_submission.csv is missing"],
    ),
    ("no target column", "regression", manifest(PLAIN.replace("[y]", "[price]")), ["train.csv", "no column 'price'"]),
    ("a slip in the target", "regression", manifest(PLAIN.replace("[y]", "[Y]")), ["did you mean 'y'?"]),
    ("no id column", "regression", manifest(PLAIN.replace("id: id", "id: key")), ["train.csv", "no column 'key'"]),
    ("unknown metric", "regression", manifest(PLAIN.replace("rmse", "rmsee")), ["task.yaml:3:1", "did you mean rmse?"]),
    ("unknown key", "regression", manifest(PLAIN + "tragets: [z]\n"), ["task.yaml:4:1", "did you mean targets?"]),
    (
        "split without column",
        "regression",
        manifest(PLAIN + "split: {kind: group}\n"),
        ["task.yaml:4:1", "needs a column"],
    ),
    (
        "split column not there",
        "regression",
        manifest(PLAIN + "split: {kind: group, column: shp}\n"),
        ["no column 'shp'", "'shop'"],
    ),
    (
        "too few groups",
        "regression",
        manifest(PLAIN + "split: {kind: group, column: city}\n"),
        ["at least 5", "found 4"],
    ),
    (
        "time that is none",
        "regression",
        manifest(PLAIN + "split: {kind: time, column: city}\n"),
        ["'city'", "neither numbers nor dates"],
    ),
    (
        "an id outside the folder",
        "regression",
        manifest(PLAIN + "files: {train: ../private/answers.csv}\n"),
        ["plain names"],
    ),
    (
        "torn CSV",
        "regression",
        edit(TRAIN, lambda rows: rows[5].append("extra")),
        ["train.csv", "row 5 has 8 fields", "header has 7"],
    ),
    ("not UTF-8", "regression", write(TRAIN, b"id,y\n1,\xff\n"), ["train.csv", "not UTF-8"]),
    ("empty file", "regression", write(TRAIN, b""), ["train.csv", "empty"]),
    (
        "empty training set",
        "regression",
        edit(TRAIN, lambda rows: rows.__delitem__(slice(1, None))),
        ["train.csv", "no rows"],
    ),
    ("two columns of a name", "regression", edit(TRAIN, put(0, 2, "area")), ["two columns are called 'area'"]),
    (
        "duplicate id",
        "regression",
        edit(TRAIN, lambda rows: put(9, 0, rows[3][0])(rows)),
        ["column 'id', row 9", "duplicate"],
    ),
    ("empty id", "regression", edit(TEST, put(4, 0, "")), ["test.csv", "column 'id', row 4"]),
    ("missing target", "regression", edit(TRAIN, put(7, 6, "")), ["column 'y', row 7", "is missing"]),
    ("target in words", "regression", edit(TRAIN, put(7, 6, "many")), ["column 'y', row 7", "'many'", "finite number"]),
    ("infinite target", "regression", edit(TRAIN, put(8, 6, "inf")), ["column 'y', row 8", "finite number"]),
    ("target in the test", "regression", edit(TEST, put(0, 1, "y")), ["test.csv", "'y' is a target"]),
    (
        "column in the test alone",
        "regression",
        edit(TEST, put(0, 1, "size")),
        ["test.csv", "'size' is not in train.csv"],
    ),
    ("sample with a strange id", "regression", edit(SAMPLE, put(6, 0, "9")), ["sample_submission.csv", "row 6", "'9'"]),
    ("sample too short", "regression", edit(SAMPLE, lambda rows: rows.pop()), ["1 ids of the test are missing"]),
    ("sample with other columns", "regression", edit(SAMPLE, put(0, 1, "z")), ["columns are z; expected y"]),
    (
        "answers of other rows",
        "regression",
        edit("private/answers.csv", put(3, 0, "7")),
        ["answers.csv", "differ from those of the test"],
    ),
    ("a class not listed", "binary", edit(TRAIN, put(2, 6, "maybe")), ["column 'y', row 2", "'maybe'", "no, yes"]),
    ("one class only", "binary", manifest("targets: [y]\nmetric: auc\nclasses: [yes]\n"), ["task.yaml:3:1", "classes"]),
    (
        "a metric of two classes for three",
        "multiclass",
        manifest("targets: [y]\nmetric: f1\n"),
        ["f1 is for binary", "3 classes"],
    ),
    (
        "class columns of other names",
        "multiclass",
        both(manifest("targets: [y]\nmetric: log-loss\n"), edit(SAMPLE, put(0, 2, "huge"))),
        ["'huge' is not a class"],
    ),
    ("type against metric", "regression", manifest(PLAIN + "task_type: binary\n"), ["sets binary", "regression"]),
    (
        "a leaderboard in words",
        "regression",
        write("../leaderboard.csv", b"score\n1\nx\n"),
        ["leaderboard.csv", "row 2"],
    ),
    ("a file of the harness's name", "regression", write("public/task.json", b"{}"), ["task.json", "rename"]),
]


@pytest.mark.parametrize(("kind", "change", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_task_is_refused_with_its_place(tmp_path: Path, kind: str, change: Change, words: list[str]) -> None:
    folder = make_task(tmp_path / "task", kind)
    Task.load(folder)
    change(folder)
    with pytest.raises(TaskError) as caught:
        Task.load(folder)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
    assert caught.value.exit_status == 2


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="is not a folder"):
        Task.load(tmp_path / "nowhere")


def test_all_problems_of_a_manifest_come_at_once(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    manifest("target: [y]\nmetric: rmes\nsplit: {kind: grup, folds: 1}\n")(folder)
    with pytest.raises(TaskProblems) as caught:
        Task.load(folder)
    assert [(each.line, each.code) for each in caught.value.problems] == [
        (1, "missing"),
        (1, "unknown-key"),
        (2, "unknown-metric"),
        (3, "unknown-value"),
        (3, "out-of-range"),
    ]


def test_bike_demand_is_what_the_contest_was() -> None:
    task = Task.load(BIKES)
    brief = task.brief
    assert (brief.train_rows, brief.test_rows) == (5422, 3223)
    assert (brief.metric, brief.direction, brief.task_type) == ("rmsle", "minimize", "regression")
    assert "bicycles" in brief.description
    assert task.answers is not None
    assert not {"casual", "registered"} & set(task.train.columns)
    assert not set(task.train["day"]) & set(task.test["day"]), "a whole day is either for training or for the test"


@pytest.mark.parametrize(
    ("kind", "metric", "prediction", "classes", "columns"),
    [
        ("regression", "rmse", "value", (), ("id", "y")),
        ("binary", "auc", "probability", ("no", "yes"), ("id", "y")),
        ("binary", "accuracy", "label", ("no", "yes"), ("id", "y")),
        ("multiclass", "log-loss", "probability", ("low", "mid", "high"), ("id", "low", "mid", "high")),
        ("multiclass", "qwk", "label", ("low", "mid", "high"), ("id", "y")),
    ],
)
def test_the_brief_follows_from_metric_and_data(
    tmp_path: Path, kind: str, metric: str, prediction: str, classes: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    brief = Task.load(make_task(tmp_path / "task", kind, metric=metric)).brief
    assert (brief.task_type, brief.prediction, brief.classes) == (kind, prediction, classes)
    assert brief.submission_columns == columns
    assert brief.split.kind == ("random" if kind == "regression" else "stratified")


def test_classes_that_are_not_listed_take_the_order_of_the_columns(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", "multiclass")
    manifest("targets: [y]\nmetric: log-loss\n")(folder)
    edit(SAMPLE, lambda rows: rows[0].__setitem__(slice(1, None), ["y_mid", "y_high", "y_low"]))(folder)
    brief = Task.load(folder).brief
    assert brief.classes == ("mid", "high", "low")
    assert brief.submission_columns == ("id", "y_mid", "y_high", "y_low")


def test_numbers_as_classes_are_ordered_as_numbers(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", "multiclass", metric="qwk")
    names = {"low": "2", "mid": "10", "high": "1.0"}
    for name in (TRAIN, "private/answers.csv"):
        edit(name, lambda rows: [row.__setitem__(-1, names[row[-1]]) for row in rows[1:]])(folder)
    edit(SAMPLE, lambda rows: [row.__setitem__(-1, "2") for row in rows[1:]])(folder)
    manifest("targets: [y]\nmetric: qwk\n")(folder)
    assert Task.load(folder).brief.classes == ("1", "2", "10")


def test_the_digest_is_of_the_public_files_alone(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    before = Task.load(folder).digest
    edit("private/answers.csv", put(1, 1, "0.5"))(folder)
    assert Task.load(folder).digest == before
    edit(TRAIN, put(1, 1, "0.5"))(folder)
    assert Task.load(folder).digest != before


def test_a_leaderboard_that_is_a_pointer_is_named_and_not_read(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    (folder / "leaderboard.csv").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    task = Task.load(folder)
    assert task.leaderboard is None
    assert "Git LFS pointer" in task.notes[0]


def test_a_task_without_answers_is_a_task(tmp_path: Path) -> None:
    assert Task.load(make_task(tmp_path / "task", answers=False)).answers is None


def _renamed(folder: Path, old: str, new: str) -> Path:
    """The task with a column renamed in all files."""
    for path in folder.rglob("*.csv"):
        header, rest = path.read_text(encoding="utf-8").split("\n", 1)
        path.write_text(re.sub(rf"\b{old}\b", new, header) + "\n" + rest, encoding="utf-8")
    manifest(re.sub(rf"\b{old}(?=[\]\n])", new, PLAIN))(folder)
    return folder


@pytest.mark.parametrize("name", ["row", "level_0", "index", "split", "role"])
def test_an_id_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = make_task(tmp_path / "task")
    harness = Harness(Task.load(_renamed(folder, "id", name)), tmp_path / "views", seed=1)
    assert trial(harness, tmp_path / "out").evaluation.score is not None


@pytest.mark.parametrize("key", ["description: ../../../other", "answers: ../../other.csv"])
def test_files_of_a_task_are_in_its_folder(tmp_path: Path, key: str) -> None:
    (tmp_path / "other").write_text("private words")
    folder = make_task(tmp_path / "task")
    path = folder / "task.yaml"
    path.write_text(f"{path.read_text()}\nfiles: {{{key}}}\n")
    with pytest.raises(TaskError, match=r"plain names|must be a name"):
        Task.load(folder)


def test_links_of_a_task_to_files_outside_are_said_and_to_private_ones_refused(tmp_path: Path) -> None:
    folder, other = make_task(tmp_path / "task"), tmp_path / "other"
    other.write_text("words")
    other.chmod(0o644)
    link = folder / "prepared" / "public" / "more.txt"
    link.symlink_to(other)
    (folder / "prepared" / "public" / "inside.csv").symlink_to("train.csv")
    assert [each for each in Task.load(folder).notes if "link" in each] == [
        f"{link} is a link to {other}, outside the task: scripts see it"
    ]
    other.chmod(0o600)
    with pytest.raises(TaskError, match="its owner alone may read"):
        Task.load(folder)


def test_a_description_without_end_is_none(tmp_path: Path) -> None:
    folder = make_task(tmp_path)
    path = folder / "prepared" / "public" / "description.md"
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")
    assert Task.load(folder).brief.description == ""
