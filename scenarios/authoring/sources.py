"""What a user may give in the place of a table's file: standard input, or a folder of pictures by class."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gome.errors import TaskError, UsageError

__all__ = ["STANDARD_INPUT", "Source", "open_source"]

STANDARD_INPUT = Path("/dev/stdin")
"""Given in the place of a file. On the command line it is written `-` as well."""
_CLASS = "class"
_LARGEST_INPUT = 1 << 33
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """Files to make a task of. `classified`: the target is a class, whatever its values look like."""

    train: Path
    targets: tuple[str, ...]
    test: Path | None = None
    extra: tuple[Path, ...] = ()
    classified: bool = False
    remarks: tuple[str, ...] = ()


@contextmanager
def open_source(train: Path, test: Path | None, targets: Sequence[str]) -> Iterator[Source]:
    """The files of what a user has given: files as they are; standard input and pictures as temporary files.

    Errors that are raised in the context name what the user has given, not the temporary files.

    Raises:
        UsageError: Standard input is a terminal, or the target of a table is not named.
        TaskError: Standard input is empty or too large, or a folder has no pictures by class.
    """
    if train != STANDARD_INPUT and not train.is_dir():
        if not targets:
            raise UsageError(f"{train} is a table: name the column to predict with --target COLUMN")
        yield Source(train, tuple(targets), test)
        return
    with tempfile.TemporaryDirectory(prefix="gome-") as name:
        place = Path(name)
        source = _pictures(train, test, targets, place) if train.is_dir() else _standard_input(test, targets, place)
        try:
            yield source
        except TaskError as error:
            given = "standard input" if train == STANDARD_INPUT else str(train)
            words = str(error).replace(str(source.train), given)
            error.args = (words.replace(str(source.test), str(test)),)
            raise


def _standard_input(test: Path | None, targets: Sequence[str], place: Path) -> Source:
    from gome.scenarios.authoring.files import kind_of  # pandas: only where a table is read

    if not targets:
        raise UsageError("standard input is a table: name the column to predict with --target COLUMN")
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "standard input is a terminal: pipe a table into it, as cat t.csv | gome run - --target COLUMN"
        )
    path = place / "stdin"
    try:
        with path.open("wb") as file:
            _copy(sys.stdin.buffer, file)
        with path.open("rb") as file:
            kind = kind_of(file)
    except OSError as error:
        raise TaskError(f"standard input cannot be copied to {place}: {error.strerror or error}") from error
    return Source(path.rename(path.with_name(f"stdin{kind}")), tuple(targets), test)


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy all bytes. Raises TaskError for none, or too many."""
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > _LARGEST_INPUT:
            raise TaskError(f"standard input is larger than {_LARGEST_INPUT:,} bytes")
        target.write(chunk)
    if not size:
        raise TaskError("standard input is empty: pipe a table into it, as cat t.csv | gome run - --target COLUMN")


def _pictures(train: Path, test: Path | None, targets: Sequence[str], place: Path) -> Source:
    """The tables and the pictures of folders, these as links."""
    from gome.scenarios.authoring.pictures import FOLDER, read_pictures
    from gome.scenarios.task.tables import write_table

    for taken in ("task.yaml", "scenario.yaml"):
        if (train / taken).is_file():
            scenario = train / "scenario.yaml"
            raise UsageError(f"{train} is the folder of a task; run a scenario of it, such as gome run {scenario}")
    if len(targets) > 1 or not {"id", "path"}.isdisjoint(targets):
        raise UsageError(f"{train} is a folder of pictures by class: it has one target, which is not id or path")
    target = targets[0] if targets else _CLASS
    ours = read_pictures(train, target)
    files, remarks = dict(ours.files), list(ours.remarks)
    write_table(place / "train.csv", ours.table)
    asked = None
    if test is not None:
        if not test.is_dir():
            raise TaskError(f"{test}: the test of a folder of pictures is a folder of pictures too")
        classes = sorted(set(ours.table[target]))
        theirs = read_pictures(test, target, after=len(files), classes=classes)
        files |= theirs.files
        remarks += theirs.remarks
        asked = place / "test.csv"
        write_table(asked, theirs.table)
    (place / FOLDER).mkdir()
    for name, path in files.items():
        (place / name).symlink_to(path.resolve())
    return Source(place / "train.csv", (target,), asked, (place / FOLDER,), classified=True, remarks=tuple(remarks))
