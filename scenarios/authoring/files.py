"""Read a table from any file that people have, as text: CSV in common encodings and with common delimiters, packed or
not, Parquet, Feather, Excel."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd

from gome.errors import TaskError
from gome.scenarios.task.cells import NO_NUMBERS, find_style
from gome.scenarios.task.tables import Damaged, check_utf8, parse_table, repeated
from gome.scenarios.task.text_column import TextColumn
from gome.scenarios.task.text_table import TextTable

__all__ = ["FileTable", "kind_of", "read_file"]

_COLUMNAR = (".parquet", ".pq", ".feather", ".arrow")
_EXCEL = (".xlsx", ".xlsm")
_PACKED: dict[str, Callable[[io.BufferedReader], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_MARKS = {
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\0": ".xz",
    b"PAR1": ".parquet",
    b"ARROW1": ".feather",
    b"FEA1": ".feather",
}
_WORKBOOK = "xl/workbook.xml"
_LARGEST_WORKBOOK = 1 << 31
_MOST_ROWS = 1 << 20
"""Of a sheet, in any version of Excel."""
_LARGEST = 1 << 33
_CHUNK = 1 << 20
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_BOMS = (  # the longer marks first, as one begins with a shorter one
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LINES, _HEAD = 50, 1 << 18  # lines, and bytes, of which the delimiter is told
_SAID = re.compile(rb"\"?sep=([,;\t|])\"?\r?\n", re.IGNORECASE)
"""A first line that tells Excel the delimiter."""
_AMBIGUOUS = re.compile(r"[-+]?\d{1,3},\d{3}")


class FileTable(NamedTuple):
    """A table of text, and remarks on how its file was read."""

    table: TextTable
    remarks: tuple[str, ...]


def read_file(path: Path) -> FileTable:
    """Read a table. Column names are in normal form C and without blanks around them; one without a name is `column_N`.

    Raises:
        TaskError: the file is damaged, of an unknown kind, or a library for it is missing; with what to do.
    """
    if not path.is_file():
        raise TaskError(f"{path} is not a file; it must be a table such as train.csv")
    suffix = path.suffix.lower()
    try:
        if suffix in _COLUMNAR:
            found = FileTable(_columnar(path, suffix), ())
        elif suffix in _EXCEL:
            found = _excel(path)
        else:
            found = _delimited(path, suffix)
    except Damaged as damaged:
        raise TaskError(f"{path}: {damaged}") from damaged
    except OSError as error:
        raise TaskError(f"{path} cannot be read: {error.strerror or error}") from error
    names = [unicodedata.normalize("NFC", str(name)).strip() for name in found.table.columns]
    names = [name or f"column_{place}" for place, name in enumerate(names, 1)]  # pandas calls it "Unnamed: 0"
    if (twice := repeated(names)) is not None:
        raise TaskError(f"{path}: two columns are called {twice!r}")
    return FileTable(found.table.renamed(names), tuple(f"{path.name}: {each}" for each in found.remarks))


def kind_of(file: BinaryIO) -> str:
    """The suffix that tells `read_file` the kind of a file without a name: `.csv` where no mark begins it."""
    head = file.read(8)
    if head.startswith(b"PK"):
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(file) as archive:
            if _WORKBOOK in archive.namelist():
                return ".xlsx"
        return ".zip"
    return next((suffix for mark, suffix in _MARKS.items() if head.startswith(mark)), ".csv")


def _delimited(path: Path, suffix: str) -> FileTable:
    content, inner = _content(path, suffix)
    content, remarks = _in_utf8(content)
    if said := _SAID.match(content):
        content = content[said.end() :]
    tabs = PurePosixPath(inner).suffix.lower() in (".tsv", ".tab")
    delimiter = said[1].decode() if said else "\t" if tabs else _delimiter(content)
    table = parse_table(content, delimiter)
    if inner != path.name and suffix == ".zip":
        remarks.append(f"the file {inner} in it")
    if delimiter != ",":
        remarks.append(f"columns separated by {_DELIMITERS[delimiter]}")
    if delimiter == ";" and (longer := _with_decimals(table)):
        table = table.replaced(longer)
        remarks.append(f"comma as decimal sign in {', '.join(list(longer)[:8])}")
    return FileTable(table, tuple(remarks))


def _content(path: Path, suffix: str) -> tuple[bytes, str]:
    """The bytes of the table, unpacked, and the name of the file in them."""
    try:
        with path.open("rb") as file:
            if suffix == ".zip":
                return _member(file)
            if suffix in _PACKED:
                with _PACKED[suffix](file) as unpacked:
                    return _whole(unpacked), path.stem
            return _whole(file), path.name
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Damaged(f"cannot be unpacked: {error}") from error
    except OSError as error:
        if error.errno is None:  # not gzip, not bzip2
            raise Damaged(f"cannot be unpacked: {error}") from error
        raise


def _whole(file: Any) -> bytes:
    """All bytes of a file. `read(n)` would reserve n bytes at once, more than a small machine has. Raises Damaged."""
    pieces, left = [], _LARGEST
    while piece := file.read(_CHUNK):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise Damaged(f"larger than {_LARGEST:,} bytes")
    return b"".join(pieces)


def _member(file: io.BufferedReader) -> tuple[bytes, str]:
    with zipfile.ZipFile(file) as archive:
        inside = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX")]
        inside = [each for each in inside if not PurePosixPath(each.filename).name.startswith(".")]
        if len(inside) != 1:
            names = ", ".join(each.filename for each in inside[:8])
            raise Damaged(f"holds {len(inside)} files ({names}); a table needs one: unpack it and name the table")
        if inside[0].file_size > _LARGEST:
            raise Damaged(f"larger than {_LARGEST:,} bytes")
        if PurePosixPath(inside[0].filename).suffix.lower() in (*_COLUMNAR, *_EXCEL):
            raise Damaged(f"holds {inside[0].filename}; unpack it")
        return archive.read(inside[0]), inside[0].filename


def _in_utf8(content: bytes) -> tuple[bytes, list[str]]:
    """The text in UTF-8, and a remark if it was not. Raises Damaged."""
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    if encoding is None and content:
        odd, even = content[1:200:2], content[:200:2]
        encoding = "utf-16-le" if odd.count(0) > len(odd) // 2 else None
        encoding = "utf-16-be" if even.count(0) > len(even) // 2 else encoding
    try:
        if encoding is None:
            check_utf8(content)
            return content.removeprefix(codecs.BOM_UTF8), []
        return content.decode(encoding).encode(), [f"read as {encoding.upper()}"]
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise Damaged(f"not {encoding.upper()} (byte {error.start + 1}); save it as UTF-8") from error
    if b"\0" in content[:4096]:
        raise Damaged("not a text file; save the table as CSV in UTF-8")
    text = content.decode("cp1252", errors="replace")
    return text.encode(), ["not UTF-8, read as Windows-1252 (Latin-1); if names look wrong, save it as UTF-8"]


def _delimiter(content: bytes) -> str:
    """The delimiter that gives most of the first rows the width of the header, in most columns."""
    end = lines = 0
    while lines < _LINES and end < _HEAD:
        end, lines = content.find(b"\n", end) + 1 or len(content), lines + 1
    head = "".join(islice(io.StringIO(content[:end].decode(), newline=""), _LINES))

    def fit(delimiter: str) -> tuple[float, int]:
        try:
            rows = [row for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if row]
        except csv.Error:
            return 0.0, 0
        width = len(rows[0]) if rows else 0
        return (round(sum(len(row) == width for row in rows) / len(rows), 1), width) if width > 1 else (0.0, 0)

    return max(_DELIMITERS, key=fit)


def _with_decimals(table: TextTable) -> dict[str, list[str]]:
    """The columns of numbers such as `3,750`, which mean decimals between semicolons, with a digit more.

    They are no thousands then.
    """
    turned = {}
    for name in table.columns:
        if b"," not in table.column(name).data:
            continue
        texts = [text for text in pd.unique(table[name]) if text.strip().lower() not in NO_NUMBERS]
        longer = {text: f"{text.strip()}0" for text in texts if _AMBIGUOUS.fullmatch(text.strip())}
        if longer and (style := find_style(texts, comma_first=True)) and style.decimal == ",":
            turned[name] = [longer.get(text, text) for text in table[name]]
    return turned


def _columnar(path: Path, suffix: str) -> TextTable:
    try:
        import pyarrow  # noqa: F401 (pandas needs it)
    except ImportError as error:
        raise TaskError(f"{path}: this kind of file needs pyarrow: pip install pyarrow, or 'gome[files]'") from error
    try:
        frame = pd.read_parquet(path) if suffix in (".parquet", ".pq") else pd.read_feather(path)
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk, not the content
            raise
        raise Damaged(f"not a {suffix[1:]} file: {_first_line(error)}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        names = [str(name or "index") for name in frame.index.names]
        frame = frame.reset_index(names=[f"{name} (index)" if name in frame else name for name in names])
    columns = {str(name): TextColumn.of(_spelled(cell, str(name)) for cell in frame[name]) for name in frame}
    return TextTable(columns, len(frame))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _excel(path: Path) -> FileTable:
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise TaskError(f"{path}: Excel files need openpyxl: pip install openpyxl, or 'gome[files]'") from error
    try:
        _check_size(path)
        with path.open("rb") as file, closing(load_workbook(file, read_only=True, data_only=True)) as book:
            filled = {sheet.title: rows for sheet in book.worksheets if (rows := _filled(sheet))}
    except (Damaged, OSError, MemoryError):
        raise
    except Exception as error:
        raise Damaged(f"not an Excel file: {error or type(error).__name__}") from error
    if not filled:
        raise Damaged("empty: no sheet has a row")
    title, (header, *rows) = next(iter(filled.items()))
    width = max(place for place, cell in enumerate(header) if cell is not None) + 1
    names = ["" if cell is None else str(cell) for cell in header[:width]]
    if (twice := repeated(names)) is not None:
        raise Damaged(f"two columns are called {twice!r}")
    columns = {name: TextColumn.of(_spelled(row[place], name) for row in rows) for place, name in enumerate(names)}
    more = len(filled) - 1
    remarks = (f"the sheet {title!r}; {more} more sheets are not read",) if more else ()
    return FileTable(TextTable(columns, len(rows)), remarks)


def _check_size(path: Path) -> None:
    """Raise Damaged where a workbook would take too much room unpacked: it is XML, and a table of its own is small."""
    with zipfile.ZipFile(path) as archive:
        if sum(each.file_size for each in archive.infolist()) > _LARGEST_WORKBOOK:
            raise Damaged(f"larger than {_LARGEST_WORKBOOK:,} bytes when unpacked; save the table as CSV")


def _filled(sheet: Any) -> list[tuple[Any, ...]]:
    """The rows of a sheet that have a cell. Raises Damaged for more rows than a sheet can have."""
    rows = []
    for place, row in enumerate(sheet.iter_rows(values_only=True)):
        if place >= _MOST_ROWS:
            raise Damaged(f"a sheet has more than {_MOST_ROWS:,} rows")
        if any(cell is not None for cell in row):
            rows.append(row)
    return rows


def _spelled(cell: Any, name: str) -> str:
    """A typed cell as text; empty if missing. Raises Damaged for lists and the like."""
    if isinstance(cell, list | dict | tuple | set) or len(np.shape(cell)):
        raise Damaged(f"column {name!r} holds lists or records; a table needs one value a cell")
    if cell is None or cell is pd.NaT or cell is pd.NA or cell != cell:
        return ""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="replace")
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())
    return repr(int(cell)) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53 else str(cell)
