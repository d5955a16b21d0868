"""Tables in the files that people have."""

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest
from pandas import DataFrame, Series

from gome.errors import TaskError
from gome.scenarios.authoring import files
from gome.scenarios.authoring.files import read_file

FRAME = pd.DataFrame({"name": ["Zoë", "Åsa", "Ünal"], "size": [1.5, 2.25, 3.0], "y": [1, 2, 3]})
CELLS = {"name": ["Zoë", "Åsa", "Ünal"], "size": ["1.5", "2.25", "3.0"], "y": ["1", "2", "3"]}
TEXT = FRAME.to_csv(index=False)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
def test_common_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(TEXT.encode(encoding))
    table, remarks = read_file(tmp_path / "t.csv")
    assert {name: list(table[name]) for name in table} == CELLS
    assert bool(remarks) != encoding.startswith("utf-8")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_common_delimiters(tmp_path: Path, delimiter: str) -> None:
    FRAME.assign(name="a, b").to_csv(tmp_path / "t.csv", index=False, sep=delimiter)
    table, remarks = read_file(tmp_path / "t.csv")
    assert (list(table["name"]), list(table["y"])) == (["a, b"] * 3, CELLS["y"])
    assert bool(remarks) != (delimiter == ",")


def test_semicolons_with_decimal_commas(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b;c\n3,750;1,5;x, y\n2,125;2,25;z\n;none;z\n")
    table, remarks = read_file(tmp_path / "t.csv")
    assert list(table["a"]) == ["3,7500", "2,1250", ""], "whoever reads it later takes it for no thousands"
    assert list(table["c"]) == ["x, y", "z", "z"]
    assert remarks[-1] == "t.csv: comma as decimal sign in a"


@pytest.mark.parametrize("end", ["csv.gz", "csv.bz2", "csv.xz", "zip", "tsv", "parquet", "feather", "xlsx"])
def test_kinds_of_files(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"t.{end}"
    if end == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("t.csv", TEXT)
            archive.writestr("__MACOSX/._t.csv", "x")
    elif end == "tsv":
        FRAME.to_csv(path, index=False, sep="\t")
    elif end in ("parquet", "feather", "xlsx"):
        getattr(FRAME, {"xlsx": "to_excel"}.get(end, f"to_{end}"))(path, **({"index": False} if end == "xlsx" else {}))
    else:
        path.write_bytes({"gz": gzip, "bz2": bz2, "xz": lzma}[end[4:]].compress(TEXT.encode()))
    table = read_file(path).table
    assert list(table.columns) == list(FRAME.columns)
    assert [*map(float, table["size"])] == [1.5, 2.25, 3.0]
    assert (list(table["name"]), [*map(float, table["y"])]) == (CELLS["name"], [1, 2, 3])


def test_typed_cells_become_text(tmp_path: Path) -> None:
    frame = FRAME.assign(when=pd.to_datetime(Series(["2024-01-31", None, "2024-02-01"])), size=Series([1.5, None, 3]))
    frame = frame.assign(flag=Series([True, None, False], dtype=object), kind=pd.Categorical(list("aba")))
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_file(tmp_path / "t.parquet").table
    assert list(table["when"]) == ["2024-01-31T00:00:00", "", "2024-02-01T00:00:00"]
    assert (list(table["flag"]), list(table["size"])) == (["True", "", "False"], ["1.5", "", "3"])
    DataFrame({"name": Series([[1], [2], [3]], dtype=object)}).to_parquet(tmp_path / "lists.parquet")
    with pytest.raises(TaskError, match="column 'name' holds lists or records"):
        read_file(tmp_path / "lists.parquet")


def test_names_are_in_one_form(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("e\u0301te\u0301, b\n1,2\n", encoding="utf-8")
    assert list(read_file(tmp_path / "t.csv").table.columns) == ["\u00e9t\u00e9", "b"]
    (tmp_path / "t.csv").write_text("e\u0301,\u00e9\n1,2\n", encoding="utf-8")
    with pytest.raises(TaskError, match="two columns are called"):
        read_file(tmp_path / "t.csv")


@pytest.mark.parametrize("end", ["csv", "csv.gz", "csv.bz2", "csv.xz", "zip", "parquet", "feather", "xlsx"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9, gzip.compress(TEXT.encode())[:-9]],
    ids=["nothing", "a picture", "half an archive"],
)
def test_what_is_no_table_is_said(tmp_path: Path, end: str, content: bytes) -> None:
    path = tmp_path / f"t.{end}"
    path.write_bytes(content)
    with pytest.raises(TaskError, match=r"t\."):
        read_file(path)


def test_an_archive_of_several_tables_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    (tmp_path / "t.zip").write_bytes(packed.getvalue())
    with pytest.raises(TaskError, match=r"holds 2 files \(a\.csv, b\.csv\)"):
        read_file(tmp_path / "t.zip")


def test_an_index_that_is_called_like_a_column(tmp_path: Path) -> None:
    FRAME.set_index("name", drop=False).to_parquet(tmp_path / "t.parquet")
    assert list(read_file(tmp_path / "t.parquet").table) == ["name (index)", *FRAME.columns]


def test_a_first_line_for_excel_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sep=;\na,b;y\n1;2\n3;4\n")
    table = read_file(tmp_path / "t.csv").table
    assert {name: list(table[name]) for name in table} == {"a,b": ["1", "3"], "y": ["2", "4"]}


SHEET = "xl/worksheets/sheet1.xml"
_CELL = '<row r="1"><c r="A1" t="inlineStr"><is><t>y</t></is></c></row>'


def _sheet(rows: str, before: str = "") -> str:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'{before}<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/workbook.xml", "<a"),
        ("xl/styles.xml", "<styleSheet"),
        (SHEET, "<worksheet"),
        (SHEET, _sheet('<row r="x"><c r="??"><v>zz</v></c></row>')),
        (SHEET, _sheet('<row r="1"><c r="A1" t="s"><v>99999</v></c></row>')),
        (SHEET, _sheet('<row r="1"><c r="A1" t="d"><v>9999-99-99</v></c></row>')),
        (
            SHEET,
            _sheet('<row r="1"><c r="A1" t="e"><v>&a;</v></c></row>', '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///x">]>'),
        ),
        (SHEET, _sheet(_CELL + '<row r="1000000000"><c r="A1000000000"><v>1</v></c></row>')),
    ],
)
def test_broken_and_hostile_workbooks_are_said(tmp_path: Path, part: str, content: str) -> None:
    path = tmp_path / "t.xlsx"
    FRAME.to_excel(tmp_path / "whole.xlsx", index=False)
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole, zipfile.ZipFile(path, "w") as changed:
        for name in whole.namelist():
            changed.writestr(name, content if name == part else whole.read(name))
    with pytest.raises(TaskError, match=r"not an Excel file|more than 1,048,576 rows"):
        read_file(path)


def test_a_workbook_that_would_fill_the_memory_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LARGEST_WORKBOOK", 1000)
    FRAME.to_excel(tmp_path / "t.xlsx", index=False)
    with pytest.raises(TaskError, match="larger than 1,000 bytes when unpacked"):
        read_file(tmp_path / "t.xlsx")


@pytest.mark.parametrize("notes", ["{bad", '{"index_columns": ["q"], "columns": [], "column_indexes": []}'])
def test_wrong_notes_of_pandas_in_a_file_are_said(tmp_path: Path, notes: str) -> None:
    table = pyarrow.table({"y": [1, 2]}).replace_schema_metadata({"pandas": notes})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(TaskError, match="not a parquet file"):
        read_file(tmp_path / "t.parquet")


@pytest.mark.parametrize("end", ["csv", "csv.gz"])
def test_a_small_table_takes_little_memory(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"t.{end}"
    path.write_bytes(gzip.compress(TEXT.encode()) if end == "csv.gz" else TEXT.encode())
    source = (
        "import resource, sys, pathlib\n"
        "from gome.scenarios.authoring.files import read_file\n"
        "held = int(pathlib.Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 29), -1))\n"
        "print(len(read_file(pathlib.Path(sys.argv[1])).table))\n"
    )
    done = subprocess.run([sys.executable, "-c", source, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout == "3\n", done.stderr


def test_what_is_too_large_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LARGEST", 20)
    (tmp_path / "t.csv").write_text(TEXT)
    with pytest.raises(TaskError, match="larger than 20 bytes"):
        read_file(tmp_path / "t.csv")
