"""The submission check finds all seeded defects with their first row; valid files pass."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import DataFrame, Series, concat

from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task

KINDS = {"value": ("regression", "rmsle"), "label": ("multiclass", "qwk"), "chance": ("multiclass", "log-loss")}
KINDS["yes"] = ("binary", "auc")


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Task]:
    folder = tmp_path_factory.mktemp("tasks")
    return {name: Task.load(make_task(folder / name, kind, metric=metric)) for name, (kind, metric) in KINDS.items()}


def right(task: Task, ids: list[str], seed: int = 0) -> DataFrame:
    """A valid file of predictions."""
    draw = np.random.default_rng(seed)
    table = DataFrame({"id": ids})
    if task.brief.prediction == "label":
        return table.assign(y=draw.choice(task.brief.classes, len(ids)))
    if task.brief.task_type == "multiclass":
        chances = draw.dirichlet(np.ones(len(task.brief.classes)), len(ids))
        return concat([table, DataFrame(chances, columns=list(task.brief.classes))], axis=1)
    return table.assign(y=draw.random(len(ids)))


def cell(row: int, column: str, value: str) -> Callable[[DataFrame], DataFrame]:
    def change(table: DataFrame) -> DataFrame:
        table = table.astype(object)
        table.loc[row - 1, column] = value
        return table

    return change


# (the kind of task, what is done to a valid submission, the code and the row of the one defect)
DEFECTS: list[tuple[str, str, Callable[[DataFrame], DataFrame], str, int | None]] = [
    ("an empty value", "value", cell(3, "y", ""), "missing-value", 3),
    ("NaN", "value", cell(4, "y", "NaN"), "missing-value", 4),
    ("None as text", "yes", cell(9, "y", "None"), "missing-value", 9),
    ("infinity", "value", cell(5, "y", "inf"), "infinite", 5),
    ("minus infinity", "value", cell(6, "y", "-inf"), "infinite", 6),
    ("a number that overflows", "value", cell(6, "y", "1e999"), "infinite", 6),
    ("words for a number", "value", cell(7, "y", "many"), "not-a-number", 7),
    ("a number with a comma", "value", cell(7, "y", "1,5"), "not-a-number", 7),
    ("below what the metric takes", "value", cell(8, "y", "-0.01"), "out-of-range", 8),
    ("a probability above one", "yes", cell(2, "y", "1.0001"), "out-of-range", 2),
    ("a negative probability", "yes", cell(2, "y", "-0.1"), "out-of-range", 2),
    ("a class probability above one", "chance", cell(2, "mid", "7"), "out-of-range", 2),
    ("probabilities that do not sum to one", "chance", lambda t: t.assign(low=t["low"] * 0.5), "probability-sum", 1),
    ("one row of probabilities that sums to two", "chance", cell(11, "high", "1"), "probability-sum", 11),
    ("an unknown class", "label", cell(12, "y", "medium"), "unknown-class", 12),
    ("a class by number", "label", cell(12, "y", "1"), "unknown-class", 12),
    ("no class", "label", cell(13, "y", ""), "missing-value", 13),
    ("a missing column", "chance", lambda t: t.drop(columns="mid"), "columns-missing", None),
    ("a renamed column", "value", lambda t: t.rename(columns={"y": "target"}), "columns-missing", None),
    ("no id", "value", lambda t: t.drop(columns="id"), "columns-missing", None),
    ("an index written along", "value", lambda t: t.reset_index(), "columns-extra", None),
    ("a last row cut off", "value", lambda t: t.iloc[:-1], "row-count", None),
    ("only the first rows", "label", lambda t: t.head(5), "row-count", None),
    ("no rows", "value", lambda t: t.head(0), "row-count", None),
    ("a row twice", "value", lambda t: concat([t, t.iloc[[4]]]), "ids-duplicate", 121),
    ("an id twice, another missing", "value", lambda t: cell(20, "id", t["id"][2])(t), "ids-duplicate", 20),
    ("an unknown id", "value", cell(15, "id", "9999999"), "ids-unknown", 15),
    ("an id with a letter", "yes", lambda t: cell(16, "id", f"x{t['id'][15]}")(t), "ids-unknown", 16),
    ("ids numbered anew", "value", lambda t: t.assign(id=range(len(t))), "ids-unknown", 1),
    ("an empty id", "value", cell(17, "id", ""), "ids-unknown", 17),
    ("one prediction for all", "value", lambda t: t.assign(y=3.5), "constant", 1),
    ("one class for all", "label", lambda t: t.assign(y="mid"), "constant", 1),
    ("a number in base sixteen", "value", cell(7, "y", "0x1F"), "not-a-number", 7),
    ("a yes for a number", "yes", cell(7, "y", "True"), "not-a-number", 7),
    ("a number with its unit", "value", cell(7, "y", "12 km"), "not-a-number", 7),
    ("a list in a field", "value", cell(7, "y", "[0.5]"), "not-a-number", 7),
    ("a spreadsheet's error", "value", cell(7, "y", "#N/A"), "not-a-number", 7),
    ("a number with separated thousands", "value", cell(7, "y", "1_000"), "not-a-number", 7),
    ("percentages", "yes", lambda t: t.assign(y=t["y"] * 100), "out-of-range", 1),
    ("a class in capitals", "label", cell(12, "y", "MID"), "unknown-class", 12),
    ("NaN in one class", "chance", cell(14, "low", "nan"), "missing-value", 14),
    ("every id moved by a half", "value", lambda t: t.assign(id=t["id"].astype(float) + 0.5), "ids-unknown", 1),
    ("a column in capitals", "value", lambda t: t.rename(columns={"y": "Y"}), "columns-missing", None),
    ("a total below", "value", lambda t: concat([t, DataFrame({"id": ["total"], "y": [9]})]), "ids-unknown", 121),
    ("two submissions in one file", "value", lambda t: concat([t, t]), "ids-duplicate", 121),
    (
        "the training ids",
        "value",
        lambda t: t.assign(id=[str(number) for number in range(1, len(t) + 1)]),
        "ids-unknown",
        1,
    ),
    ("the sample's probabilities", "chance", lambda t: t.assign(low=0.25, mid=0.5, high=0.25), "constant", 1),
]


_KEYS = ("ids-missing", "ids-duplicate", "ids-unknown", "row-count")
# what one defect of the file may show as besides
FOLLOWS = {"columns-missing": ("columns-extra",), "row-count": _KEYS, "ids-duplicate": _KEYS, "ids-unknown": _KEYS}


def test_the_suite_has_forty_defects_and_more() -> None:
    assert len({case[0] for case in DEFECTS} | set(BYTES)) == len(DEFECTS) + len(BYTES) >= 60


@pytest.mark.parametrize(
    ("kind", "change", "code", "row"), [case[1:] for case in DEFECTS], ids=[case[0] for case in DEFECTS]
)
def test_a_seeded_defect_is_caught_at_its_first_row(
    tasks: dict[str, Task],
    tmp_path: Path,
    kind: str,
    change: Callable[[DataFrame], DataFrame],
    code: str,
    row: int | None,
) -> None:
    task = tasks[kind]
    path = tmp_path / "submission.csv"
    change(right(task, list(task.test["id"]))).to_csv(path, index=False)
    checked = check_submission(path, task.brief, task.metric, canonical(task.test["id"]))
    assert checked.table is None
    assert (code, row) in [(note.code, note.row) for note in checked.defects], checked.defects
    assert {note.code for note in checked.defects} <= {code, *FOLLOWS.get(code, ())}
    assert all(note.message.startswith("submission.csv: ") for note in checked.defects)


BYTES = {
    "nothing": b"",
    "a header alone": b"id,y\n",
    "not UTF-8": b"id,y\n1,\xff\n",
    "binary": bytes(range(256)),
    "a torn row": b"id,y\n1,2,3\n",
    "an open quote": b'id,y\n1,"2\n',
    "two columns of one name": b"id,y,y\n1,2,3\n",
    "semicolons": b"id;y\n1;2\n",
    "no header": b"1,2\n2,3\n",
    "UTF-16": "id,y\n1,2\n".encode("utf-16"),
    "squeezed": gzip.compress(b"id,y\n1,2\n"),
    "a page of HTML": b"<html><body>not found</body></html>\n",
    "a flood": b"id,y\n" + b"1,1\n" * 100_000,
}


@pytest.mark.parametrize("content", BYTES.values(), ids=BYTES.keys())
def test_a_file_that_is_no_table_is_a_defect(tasks: dict[str, Task], tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "submission.csv"
    path.write_bytes(content)
    checked = check_submission(path, tasks["value"].brief, tasks["value"].metric, canonical(tasks["value"].test["id"]))
    assert checked.defects and checked.table is None


def test_what_is_no_plain_file_is_missing(tasks: dict[str, Task], tmp_path: Path) -> None:
    task = tasks["value"]
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    right(task, list(task.test["id"])).to_csv(real, index=False)
    link.symlink_to(real)
    for path in (None, tmp_path / "nothing.csv", tmp_path, link):
        checked = check_submission(path, task.brief, task.metric, canonical(task.test["id"]))
        assert [note.code for note in checked.defects] == ["missing-file"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_a_valid_submission_passes_in_any_order_and_spelling(
    tasks: dict[str, Task], tmp_path: Path, kind: str, seed: int
) -> None:
    task = tasks[kind]
    path = tmp_path / "submission.csv"
    table = right(task, list(task.test["id"]), seed)
    order = np.random.default_rng(seed).permutation(len(table))
    columns = list(np.random.default_rng(seed).permutation(table.columns))
    written = table.iloc[order][columns]
    written.assign(id=written["id"] + ".0").to_csv(path, index=False, lineterminator="\r\n")
    checked = check_submission(path, task.brief, task.metric, canonical(task.test["id"]))
    assert checked.defects == ()
    assert checked.table is not None
    assert list(checked.table["id"]) == list(task.test["id"]), "rows come back in the order that was asked for"
    assert list(checked.table[columns[-1]]) == list(table[columns[-1]].astype(str)) or columns[-1] == "id"


def test_rounded_probabilities_still_sum_to_one(tasks: dict[str, Task], tmp_path: Path) -> None:
    task = tasks["chance"]
    path = tmp_path / "submission.csv"
    right(task, list(task.test["id"])).round(3).to_csv(path, index=False)
    assert check_submission(path, task.brief, task.metric, canonical(task.test["id"])).defects == ()


@settings(max_examples=120)
@given(
    st.lists(
        st.lists(st.text(max_size=8) | st.sampled_from(["1000", "1e999", "nan", "0.5", "-0", "9" * 400]), max_size=3),
        max_size=6,
    )
)
def test_nothing_that_a_script_writes_raises(rows: list[list[str]]) -> None:
    task, path = FUZZED
    text = "id,y\n" + "\n".join(",".join(row) for row in rows)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert check_submission(path, task.brief, task.metric, canonical(task.test["id"])).defects


@pytest.fixture(scope="module", autouse=True)
def _fuzzed(tasks: dict[str, Task], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Module-scoped, as Hypothesis requires: one task and one path for all examples."""
    global FUZZED
    FUZZED = (tasks["value"], tmp_path_factory.mktemp("fuzz") / "submission.csv")


FUZZED: tuple[Task, Path]


def codes(task: Task, path: Path, table: DataFrame, ids: list[str] | None = None) -> list[tuple[str, int | None]]:
    """The defects of a table that must predict the ids (default: the test's), as (code, row)."""
    table.to_csv(path, index=False)
    asked = task.test["id"] if ids is None else Series(ids)
    return [(note.code, note.row) for note in check_submission(path, task.brief, task.metric, canonical(asked)).defects]


@pytest.mark.parametrize("empty", ["", "  ", "nan", "NaN", "NA", "None", "null", "NULL", " null ", "<NA>"])
@pytest.mark.parametrize(("kind", "column"), [("value", "y"), ("yes", "y"), ("label", "y"), ("chance", "mid")])
def test_every_spelling_of_no_value_is_a_missing_value_and_nothing_else(
    tasks: dict[str, Task], tmp_path: Path, kind: str, column: str, empty: str
) -> None:
    table = right(tasks[kind], list(tasks[kind].test["id"]))
    spoilt = cell(5, column, empty)(table)
    assert codes(tasks[kind], tmp_path / "submission.csv", spoilt) == [("missing-value", 5)]


@pytest.mark.parametrize(
    ("total", "found"),
    [(0.988, [("probability-sum", 4)]), (0.991, []), (1.009, []), (1.012, [("probability-sum", 4)])],
)
def test_probabilities_may_miss_one_by_a_hundredth(
    tasks: dict[str, Task], tmp_path: Path, total: float, found: list[tuple[str, int]]
) -> None:
    task = tasks["chance"]
    table = right(task, list(task.test["id"]))
    table.loc[3, ["low", "mid", "high"]] = [0.25, 0.5, total - 0.75]
    assert codes(task, tmp_path / "submission.csv", table) == found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rows", "found"), [(1, []), (9, []), (10, [("constant", 1)]), (11, [("constant", 1)])])
def test_the_same_prediction_for_all_is_a_defect_from_ten_rows_on(
    tasks: dict[str, Task], tmp_path: Path, kind: str, rows: int, found: list[tuple[str, int]]
) -> None:
    """A good solution may be constant on so few rows."""
    task = tasks[kind]
    ids = list(task.test["id"])[:rows]
    first = right(task, ids[:1]).drop(columns="id")
    table = concat([first] * rows, ignore_index=True)
    table.insert(0, "id", ids)
    assert codes(task, tmp_path / "submission.csv", table, ids) == found


@pytest.mark.parametrize("kind", KINDS)
def test_one_row_that_differs_makes_predictions_no_constant(tasks: dict[str, Task], tmp_path: Path, kind: str) -> None:
    task = tasks[kind]
    ids = list(task.test["id"])
    unlike = right(task, ids).drop(columns="id").drop_duplicates()
    one, other = unlike.iloc[[0]], unlike.iloc[[1]]
    table = concat([one] * (len(ids) - 1) + [other], ignore_index=True)
    table.insert(0, "id", ids)
    assert codes(task, tmp_path / "submission.csv", table) == []


def test_one_class_with_the_same_probability_in_all_rows_makes_no_constant(
    tasks: dict[str, Task], tmp_path: Path
) -> None:
    task = tasks["chance"]
    table = right(task, list(task.test["id"]))
    mid = np.linspace(0.1, 0.7, len(table))
    assert codes(task, tmp_path / "submission.csv", table.assign(low=0.2, mid=mid, high=0.8 - mid)) == []


def test_a_file_far_larger_than_what_is_asked_for_is_not_read(tasks: dict[str, Task], tmp_path: Path) -> None:
    """An oversized file is not read into memory, even if it has only empty lines."""
    task, path = tasks["value"], tmp_path / "submission.csv"
    table = right(task, list(task.test["id"]))
    for lines, found in ((10, []), (1_000_000, [("unreadable", None)])):
        assert codes(task, path, table) == []
        path.write_text(path.read_text() + "\n" * lines)
        checked = check_submission(path, task.brief, task.metric, canonical(task.test["id"]))
        assert [(note.code, note.row) for note in checked.defects] == found


@pytest.mark.parametrize(("rows", "digits"), [(1, 10_000), (2000, 100)])
def test_numbers_written_at_great_length_are_read(
    tasks: dict[str, Task], tmp_path: Path, rows: int, digits: int
) -> None:
    ids = [str(number) for number in range(rows)]
    table = DataFrame({"id": ids, "y": [f"0.{number % 10}{'7' * digits}" for number in range(rows)]})
    assert codes(tasks["value"], tmp_path / "submission.csv", table, ids) == []
