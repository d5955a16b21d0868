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
from gome.scenarios.authoring.new_rows import with_new_rows
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.fuzzed_cells import GAPS, ODD, TEXTS, rest, some_cells

_TABLES = 2000
_RUNS = 12

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
    rest,
)
_targets = some.sampled_from(
    (
        ("1", "0", "1", "1", "0"),
        ("a", "b", "a", "B", "b"),
        ("1.5", "2", "-3e2", "4", "0.1"),
        ("1,5", "2", "3", "4", "7"),
    )
)
_File = tuple[str, bytes]
"""How a file's name ends, and what is in it."""


@some.composite
def _files(draw: some.DrawFn) -> list[_File]:
    """A table with a column `y`, and perhaps a second one with the same columns: its test, and rows to predict."""
    sound = draw(some.integers(0, 3)) > 0  # else most tables would be refused for their target, and never read further
    names = draw(
        some.lists(
            _headers.filter(lambda name: name.strip() != "y") if sound else _headers,
            min_size=int(sound),
            max_size=5,
            unique_by=str.strip if sound else None,
        )
    )
    at = draw(some.integers(0, len(names)))
    names[at:at] = ["y"]
    rows = draw(some.sampled_from((25, 30, 40, 61, 120, 400) if sound else (0, 1, 2, 5, 10, 20, 40)))
    columns = [draw(some_cells(rows)) if rows else [] for _ in names]
    if sound:
        target = draw(_targets)
        columns[at] = [target[row % len(target)] for row in range(rows)]
    files = [draw(_written(names, columns, sound))]
    if rows and draw(some.booleans()):
        few = draw(some.integers(1, rows))
        others = [draw(some_cells(few)) if draw(some.integers(0, 4)) == 0 else cells[-few:] for cells in columns]
        files.append(draw(_written(names, others, sound)))
    return files


@some.composite
def _written(draw: some.DrawFn, names: list[str], columns: list[list[str]], sound: bool) -> _File:
    """The table in a file of text, perhaps packed, seldom damaged."""
    text = io.StringIO()
    delimiter = draw(some.sampled_from((",", ",", ";", "\t", "|")))
    writer = csv.writer(text, delimiter=delimiter, lineterminator=draw(some.sampled_from(("\n", "\n", "\r\n"))))
    writer.writerow(names)
    lines = list(zip(*columns, strict=True))
    if lines and not sound and draw(some.integers(0, 4)) == 0:
        lines[draw(some.integers(0, len(lines) - 1))] += ("one more",)
    writer.writerows(lines)
    encoding = draw(
        some.sampled_from(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252"))
    )
    content = text.getvalue().encode(encoding, errors="replace")
    if not sound and draw(some.integers(0, 4)) == 0:
        place = draw(some.integers(0, len(content)))
        content = content[:place] + draw(some.binary(max_size=4)) + content[place + 1 :]
    match draw(some.sampled_from(("csv", "csv", "csv", "tsv", "gz", "zip"))):
        case "gz":
            return "csv.gz", gzip.compress(content)
        case "zip":
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr("table.csv", content)
            return "zip", packed.getvalue()
        case ending:
            return ending, content


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
    some.one_of(some.sampled_from((*GAPS, *ODD, *TEXTS)), rest),
    some.binary(max_size=4),
    some.lists(some.integers(0, 3), max_size=2),
)


@some.composite
def _typed_files(draw: some.DrawFn) -> list[_File]:
    """A table with a column `y` in a file that keeps types: Parquet, Feather, Excel."""
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
        return [(end, content.getvalue())]
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (names, *zip(*columns.values(), strict=True)):
        sheet.append([_for_excel(cell) for cell in line])
    book.save(content)
    return [("xlsx", content.getvalue())]


def _for_excel(cell: Any) -> Any:
    """The cell as Excel can hold it: no zones, lists, bytes, control characters."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None) if cell.year >= 1900 else str(cell)
    if isinstance(cell, str):
        return ILLEGAL_CHARACTERS_RE.sub("", cell)
    return str(cell) if isinstance(cell, list | bytes) else cell


_METRICS = some.sampled_from((None, None, None, None, "rmse", "mae", "auc", "log-loss", "accuracy"))
_SPLITS = some.sampled_from((None, None, None, None, None, "random", "stratified", "holdout", "group:a", "time:date"))


_SHOWN = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the table that failed


def _fuzzed(examples: int) -> settings:
    """Examples without shrinking, which would take hours: what fails is small already."""
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(max_examples=examples, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@_SHOWN
@_fuzzed(_TABLES)
@given(some.one_of(_files(), _files(), _files(), _typed_files()), _METRICS, _SPLITS, some.booleans())
def test_a_table_becomes_a_task_or_words(
    files: list[_File], metric: str | None, split: str | None, dropping: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, *others = _laid(files, folder)
        test = others[0] if others else None
        try:
            made = new_task(folder / "task", table, ["y"], metric, test=test, split=split, drop_missing=dropping)
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
        for rows in (table, *others):
            try:
                asked, _ = with_new_rows(made.task, rows)
            except GomeError as error:
                assert len(str(error)) > 20
                continue
            later = Harness(asked, folder / f"rows of {rows.name}", seed=1, own_copy=True)
            assert (later.data(later.splits[0]) / "test.csv").stat().st_size > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@_SHOWN
@_fuzzed(_RUNS)
@given(some.one_of(_files(), _typed_files()))
def test_a_table_is_run_or_refused(files: list[_File]) -> None:
    """Through the command, with one trial.

    Status 0 and a solution, 1 and a report where no trial was accepted, or 2 and nothing written.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        table, *others = _laid(files, folder)
        tests = [argument for other in others for argument in ("--test", str(other))]
        limits = ("--set", "budget.trials=1", "--set", "traces=1", "--set", "executors.standby=false")
        asked = ("--target", "y", "--runs", str(folder / "runs"), "--drop-missing-target")
        with pytest.raises(SystemExit) as ended:
            main(["run", str(table), *tests, *asked, *limits])
        assert ended.value.code in (0, 1, 2)
        assert bool(list(folder.glob("runs/*/best/solution.py"))) == (ended.value.code == 0)
        assert bool(list(folder.glob("runs/*/report.html"))) == (ended.value.code < 2)
        if ended.value.code == 2:
            assert set(folder.iterdir()) == {table, *others}
    finally:
        shutil.rmtree(folder)


def _laid(files: list[_File], folder: Path) -> list[Path]:
    """The files in the folder: a training table, perhaps a test."""
    paths = [folder / f"{stem}.{end}" for stem, (end, _) in zip(("train", "test"), files, strict=False)]
    for path, (_, content) in zip(paths, files, strict=True):
        path.write_bytes(content)
    return paths
