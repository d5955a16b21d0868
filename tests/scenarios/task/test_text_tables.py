"""Tables of text as runs of bytes: the same cells as the csv module reads, and the same numbers as pandas reads."""

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.scenarios.portable.ids import canonical
from gome.scenarios.task import tables
from gome.scenarios.task.tables import Damaged, parse_table, read_texts, write_table
from gome.scenarios.task.text_column import TextColumn
from gome.scenarios.task.text_table import TextTable
from gome.scenarios.task.typed_table import to_floats

CELLS = st.text(st.sampled_from('ab,;"\n\r \té€😀\0'), max_size=6)
COLUMNS = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=9))
PIECES = st.sampled_from(["a", "1", "", ",", ";", '"', "\n", "\r\n", "\r", "é", " "])


def _by_csv(text: str) -> tuple[list[str], list[list[str]]] | str:
    """Header and rows as the csv module alone reads them, or what is wrong with them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None or len(set(header)) < len(header):
            return "no header"
        rows: list[list[str]] = []
        for row in reader:
            if row and len(row) != len(header):
                return f"row {len(rows) + 1}"
            rows += [row] if row else []
    except csv.Error:
        return "no CSV"
    return header, rows


@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from([1, 5, 1 << 20]))
def test_any_text_is_read_as_the_csv_module_reads_it(text: str, block: int) -> None:
    expected = _by_csv(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_BLOCK", block)
        try:
            found = parse_table(text.encode())
        except Damaged as damaged:
            assert isinstance(expected, str) and (not expected.startswith("row") or expected in str(damaged))
            return
    assert not isinstance(expected, str)
    header, rows = expected
    assert (found.columns, len(found)) == (header, len(rows))
    assert [found[name].tolist() for name in header] == [[row[place] for row in rows] for place in range(len(header))]


@given(COLUMNS, st.sampled_from([0, 10]))
def test_what_is_written_is_read_again(rows: list[list[str]], few: int) -> None:
    names = [f"c{place}" for place in range(len(rows[0]) if rows else 1)]
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr("gome.scenarios.task.text_table._CELLS_AT_ONCE", 5)
        patch.setattr("gome.scenarios.task.tables._COLUMNS_AT_ONCE", 2)
        patch.setattr("gome.scenarios.task.tables._FEW_ROWS", few)
        write_table(Path(folder) / "t.csv", TextTable.of(frame))
        content = (Path(folder) / "t.csv").read_bytes()
    assert parse_table(content).frame().equals(frame)
    if "\r" not in content.decode():  # which the csv module of some versions of Python leaves bare
        assert content.decode() == frame.to_csv(index=False, lineterminator="\n")


@given(st.lists(CELLS, max_size=20), st.data())
def test_cells_are_taken_and_joined_as_from_a_list(cells: list[str], data: st.DataObject) -> None:
    column = TextColumn.of(cells)
    assert (column.texts(), len(column)) == (cells, len(cells))
    rows = data.draw(st.lists(st.integers(0, len(cells) - 1), max_size=30)) if cells else []
    taken = column.take(np.array(rows, dtype=int))
    assert taken.texts() == [cells[row] for row in rows]
    assert TextColumn.joined([column, taken, column]).texts() == [*cells, *taken.texts(), *cells]
    assert [cell.decode() for block in column.blocks(3) for cell in block] == cells


@given(st.lists(CELLS, max_size=9), st.lists(CELLS, max_size=9), st.integers(1, 12))
def test_a_column_is_told_by_its_first_cells_and_from_others(cells: list[str], others: list[str], count: int) -> None:
    column, other = TextColumn.of(cells), TextColumn.of(others)
    assert column.head(count) == cells[:count]
    plain = not any("\n" in cell for cell in (*cells, *others))
    assert column.same_as(other) == (plain and cells == others)
    assert column.same_as(TextColumn.of(cells)) == (not any("\n" in cell for cell in cells))


@given(st.lists(st.one_of(st.integers(0, 9).map(str), st.sampled_from(["", "01", "+1", "1.0", "-2", "x"])), max_size=5))
def test_row_numbers_are_whole_numbers_in_one_form_each_once(cells: list[str]) -> None:
    """Where a column says so, nobody looks at the cells themselves."""
    whole = [cell for cell in cells if cell.isdecimal() and str(int(cell)) == cell]
    assert TextColumn.of(cells).numbers_rows == (bool(cells) and len(set(whole)) == len(cells))


NUMBERS = st.one_of(
    st.just(""),
    st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", fullmatch=True).filter(str.isascii),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**15), 10**15).map(str),
)


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_numbers_are_those_of_to_numeric(cells: list[str]) -> None:
    expected = np.asarray(pd.to_numeric(np.array(cells, dtype=object), errors="coerce"), dtype=float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gome.scenarios.task.typed_table._MANY", 1)
        found = to_floats(TextColumn.of(cells))
    np.testing.assert_array_equal(found, expected)


@given(st.lists(st.text(st.sampled_from("01279+-. \ta\n٣"), max_size=5), max_size=8))
def test_ids_have_one_form_however_many_stand_together(texts: list[str]) -> None:
    """A blank beside them makes each be looked at."""
    alone = canonical(pd.Series([*texts, " "], dtype=object)).tolist()[:-1]
    assert canonical(pd.Series(texts, dtype=object)).tolist() == alone


def test_equal_rows_are_counted() -> None:
    frame = pd.DataFrame({"a": ["1", "2", "1", "1,"], "b": ["x", "x", "x", ""]})
    assert TextTable.of(frame).duplicates() == 1


def test_a_byte_that_is_not_utf_8_is_named_by_its_place(tmp_path: Path) -> None:
    place = (1 << 20) + 7
    content = b"a\n" + "é".encode() * (place // 2 - 2)
    (tmp_path / "t.csv").write_bytes(content + b"\xff")
    with pytest.raises(Damaged, match=f"byte {len(content) + 1}"):
        read_texts(tmp_path / "t.csv")


def test_carriage_returns_in_cells_are_kept(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", TextTable.of(pd.DataFrame({"a": ["x\ry", "z"], "b": ["1", "2"]})))
    assert read_texts(tmp_path / "t.csv")["a"].tolist() == ["x\ry", "z"]
