"""Random tables of every shape that files have: each becomes a task that is profiled and viewed, or words."""

import csv
import gzip
import io
import shutil
import tempfile
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from pandas import DataFrame, Series
from pyarrow import ArrowException

from gome.cli.app import main
from gome.errors import GomeError
from gome.scenarios.authoring.from_table import new_task
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.task.task import Task

_TABLES = 2000
_RUNS = 12

_GAPS = ("", " ", "NA", "nan", "NaN", "null", "None", "NONE", "n/a", "?", "-", "#N/A", "<NA>", " NA", "inf", "-inf")
_ODD = (
    "0",
    "-0",
    "1e400",
    "-1e999",
    "1e-320",
    "007",
    "0x1f",
    "1_000",
    "1,5",
    "1.234,5",
    "$3,750",
    "37.5 %",
    "3 g",
    "٣",
    "½",
)
_DATES = (
    "2024-01-31",
    "31.12.2023",
    "2024-02-30",
    "2024-03-31T02:30:00+01:00",
    "2024-10-27T02:30:00+02:00",
    "12:30",
    "1700000000",
)
_TEXTS = (
    "é",
    "e\u0301",
    "a\u2028b",
    "x\x0cy",
    "=1+1",
    "<b>",
    '"q"',
    "a'b",
    "a\nb",
    "[x]",
    "日本",
    "\ufeff",
    "True",
    "a, b; c\td|e",
)
_numbers = some.one_of(
    some.integers(-3, 3).map(str),
    some.integers(-(2**70), 2**70).map(str),
    some.floats(allow_nan=False).map(repr),
    some.decimals(-1000, 1000, places=2).map(str),
)
_rest = some.text(some.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=8)
_kinds = some.sampled_from(("numbers", "few", "dates", "texts", "gaps", "mixed", "constant", "counting", "booleans"))
_headers = some.one_of(
    some.sampled_from(
        (
            "a",
            "b",
            "id",
            "ID",
            "y ",
            " y",
            "Y",
            "index",
            "Unnamed: 0",
            "",
            "a[0]",
            "x<y",
            '"',
            "é",
            "e\u0301",
            "date",
            "1",
            "a.1",
            "group",
        )
    ),
    _rest,
)


@some.composite
def _cells(draw: some.DrawFn, rows: int) -> list[str]:
    """A column of one kind, perhaps with strangers in it."""
    kind = draw(_kinds)
    if kind == "counting":
        start = draw(some.integers(-1, 2))
        return [str(start + row) for row in range(rows)]
    pool: some.SearchStrategy[str] = {
        "numbers": _numbers,
        "few": some.sampled_from(draw(some.lists(some.one_of(_numbers, _rest), min_size=1, max_size=4))),
        "dates": some.sampled_from(_DATES),
        "texts": some.one_of(some.sampled_from(_TEXTS), _rest),
        "gaps": some.sampled_from(_GAPS),
        "mixed": some.one_of(_numbers, some.sampled_from((*_GAPS, *_ODD, *_DATES, *_TEXTS))),
        "constant": some.just(draw(_rest)),
        "booleans": some.sampled_from(("true", "false", "True", "FALSE", "yes", "no", "0", "1")),
    }[kind]
    # A few values, repeated, so that long columns are drawn quickly.
    values = draw(some.lists(pool, min_size=1, max_size=12))
    step = draw(some.integers(1, 7))
    cells = [values[row * step % len(values)] for row in range(rows)]
    if draw(some.booleans()):
        cells[draw(some.integers(0, rows - 1))] = draw(some.sampled_from((*_GAPS, *_ODD)))
    return cells


@some.composite
def _files(draw: some.DrawFn) -> tuple[str, bytes]:
    """Name and content of a table with a column `y`."""
    rows = draw(some.sampled_from((0, 1, 2, 5, 10, 20, 25, 30, 40, 61, 120, 400)))
    names = draw(some.lists(_headers, max_size=5))
    at = draw(some.integers(0, len(names)))
    names[at:at] = ["y"]
    columns = [draw(_cells(rows)) if rows else [] for _ in names]
    text = io.StringIO()
    delimiter = draw(some.sampled_from((",", ",", ";", "\t", "|")))
    writer = csv.writer(text, delimiter=delimiter, lineterminator=draw(some.sampled_from(("\n", "\n", "\r\n"))))
    writer.writerow(names)
    lines = list(zip(*columns, strict=True))
    if lines and draw(some.integers(0, 9)) == 0:
        lines[draw(some.integers(0, rows - 1))] += ("one more",)
    writer.writerows(lines)
    encoding = draw(some.sampled_from(("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252")))
    content = text.getvalue().encode(encoding, errors="replace")
    if draw(some.integers(0, 19)) == 0:
        place = draw(some.integers(0, len(content)))
        content = content[:place] + draw(some.binary(max_size=4)) + content[place + 1 :]
    match draw(some.sampled_from(("csv", "csv", "csv", "tsv", "gz", "zip"))):
        case "gz":
            return "train.csv.gz", gzip.compress(content)
        case "zip":
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr("table.csv", content)
            return "train.zip", packed.getvalue()
        case ending:
            return f"train.{ending}", content


_TYPED: tuple[some.SearchStrategy[Any], ...] = (
    some.integers(-(2**62), 2**62),
    some.integers(0, 3),
    some.floats(),
    some.booleans(),
    some.datetimes(datetime(1678, 1, 1), datetime(2261, 1, 1)),
    some.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=some.just(UTC)),
    some.dates(date(1900, 1, 1), date(2100, 1, 1)),
    some.times(),
    some.timedeltas(timedelta(days=-9), timedelta(days=9)),
    some.decimals(-1000, 1000, places=2),
    some.one_of(some.sampled_from((*_GAPS, *_ODD, *_TEXTS)), _rest),
    some.binary(max_size=4),
    some.lists(some.integers(0, 3), max_size=2),
)


@some.composite
def _typed_files(draw: some.DrawFn) -> tuple[str, bytes]:
    """Name and content of a table with a column `y` in a file that keeps types: Parquet, Feather, Excel."""
    rows = draw(some.sampled_from((1, 5, 20, 25, 40, 120)))
    names = ["y", *draw(some.lists(_headers, max_size=5, unique=True))]
    columns: dict[str, list[Any]] = {}
    for name in names:
        values = draw(some.lists(draw(some.sampled_from(_TYPED)), min_size=1, max_size=12))
        values += [None] if draw(some.booleans()) and name != "y" else []
        columns[name] = [values[row % len(values)] for row in range(rows)]
    content = io.BytesIO()
    end = draw(some.sampled_from(("parquet", "feather", "xlsx")))
    if end != "xlsx":
        frame = DataFrame({name: Series(cells) for name, cells in columns.items()})
        if draw(some.booleans()):
            frame = frame.astype(
                {name: "category" for name in frame if not frame[name].map(lambda cell: isinstance(cell, list)).any()}
            )
        if draw(some.booleans()) and end == "parquet":
            frame = frame.set_index(frame.columns[-1], drop=draw(some.booleans()))
        try:
            getattr(frame, f"to_{end}")(content)
        except (ArrowException, ValueError, TypeError, OverflowError):  # no such file can be written
            frame.astype(str).reset_index(drop=True).to_feather(content)
            end = "feather"
        return f"train.{end}", content.getvalue()
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (names, *zip(*columns.values(), strict=True)):
        sheet.append([_for_excel(cell) for cell in line])
    book.save(content)
    return "train.xlsx", content.getvalue()


def _for_excel(cell: Any) -> Any:
    """The cell as Excel can hold it: no zones, lists, bytes, control characters."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None) if cell.year >= 1900 else str(cell)
    if isinstance(cell, str):
        return ILLEGAL_CHARACTERS_RE.sub("", cell)
    return str(cell) if isinstance(cell, list | bytes) else cell


_METRICS = some.sampled_from((None, None, "rmse", "mae", "auc", "log-loss", "accuracy"))
_SPLITS = some.sampled_from((None, None, None, "random", "stratified", "holdout", "group:a", "time:date"))


def _fuzzed(examples: int) -> settings:
    """Examples without shrinking, which would take hours: what fails is small already."""
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(max_examples=examples, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@_fuzzed(_TABLES)
@given(some.one_of(_files(), _files(), _files(), _typed_files()), _METRICS, _SPLITS, some.booleans())
def test_a_table_becomes_a_task_or_words(
    file: tuple[str, bytes], metric: str | None, split: str | None, dropping: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = folder / file[0]
        table.write_bytes(file[1])
        try:
            made = new_task(folder / "task", table, ["y"], metric, split=split, drop_missing=dropping)
        except GomeError as error:
            assert len(str(error)) > 20
            assert not (folder / "task").exists()
            return
        again = Task.load(made.folder)  # a run is given the task that was made, and resumed it reads the files
        assert (made.task.brief, made.task.digest, made.task.notes) == (again.brief, again.digest, again.notes)
        for ours, theirs in ((made.task.train, again.train), (made.task.test, again.test)):
            assert ours.frame().equals(theirs.frame())
        harness = Harness(made.task, folder / "views", seed=1)
        assert harness.profile.columns
        view = harness.data(harness.splits[0])
        assert (view / "train.csv").stat().st_size > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@_fuzzed(_RUNS)
@given(some.one_of(_files(), _typed_files()))
def test_a_table_is_run_or_refused(file: tuple[str, bytes]) -> None:
    """Through the command, with one trial: status 0 and a solution, or 2 and nothing written."""
    folder = Path(tempfile.mkdtemp())
    try:
        table = folder / file[0]
        table.write_bytes(file[1])
        limits = ("--set", "budget.trials=1", "--set", "traces=1", "--set", "executors.standby=false")
        with pytest.raises(SystemExit) as ended:
            main(["run", str(table), "--target", "y", "--runs", str(folder / "runs"), "--drop-missing-target", *limits])
        assert ended.value.code in (0, 2)
        if ended.value.code == 0:
            assert list(folder.glob("runs/*/best/solution.py"))
        else:
            assert [each.name for each in folder.iterdir()] == [table.name]
    finally:
        shutil.rmtree(folder)
