"""One column of a table as text, in little more memory than in its file.

Python needs about seventy bytes for each text, so a column is kept as one run of bytes, and is read out as Python texts
where somebody needs them: of one column at a time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pandas import Series

from gome.scenarios.metrics.formulas import Array

__all__ = ["TextColumn"]

_END = 10
_AT_ONCE = 1 << 14  # rows, whose places fit the caches of a processor
_LONGEST = 33  # of a number as programs write it, with the end of its line
_ROW_NUMBERS = re.compile(rb"(?:(?:0|[1-9][0-9]{0,14})\n)*+")
_NUMBERS = re.compile(rb"(?:(?:-?[0-9]{1,15}(?:\.[0-9]{1,15})?)?\n)*+")
_CODEC = ("utf-8", "surrogatepass")  # a program may have left halves of a character in a cell


@dataclass(frozen=True)
class TextColumn:
    """The cells of a column in UTF-8, each followed by a line feed. `inner` are the places of line feeds within cells.

    `rows` is the number of cells.
    """

    data: bytes
    rows: int
    inner: Array | None = None

    @classmethod
    def of(cls, texts: Iterable[str]) -> "TextColumn":
        """A column of these texts."""
        texts = texts if isinstance(texts, list) else list(texts)
        data = "\n".join([*texts, ""]).encode(*_CODEC)
        if data.count(b"\n") == len(texts):
            return cls(data, len(texts))
        lengths = np.fromiter((len(text.encode(*_CODEC)) for text in texts), np.int64, len(texts))
        return cls(data, len(texts), np.setdiff1d(_feeds(data), np.cumsum(lengths + 1) - 1, assume_unique=True))

    @classmethod
    def joined(cls, parts: Sequence["TextColumn"]) -> "TextColumn":
        """The cells of several columns, one after the other."""
        begins = np.cumsum([0, *(len(part.data) for part in parts)])
        inner = [part.inner + begin for part, begin in zip(parts, begins, strict=False) if part.inner is not None]
        data = b"".join(part.data for part in parts)
        return cls(data, sum(part.rows for part in parts), np.concatenate(inner) if inner else None)

    def __len__(self) -> int:
        return self.rows

    @cached_property
    def plain_numbers(self) -> bool:
        """Whether all cells are numbers as programs write them, or empty: there is nothing to decide about them."""
        short = self.inner is None and len(self.data) <= self.rows * _LONGEST
        return short and _NUMBERS.fullmatch(self.data) is not None

    def same_as(self, other: "TextColumn") -> bool:
        """Whether two columns have the same cells for sure. One with line feeds in cells is the same as none."""
        return self.inner is None and other.inner is None and self.data == other.data

    @cached_property
    def has_gap(self) -> bool:
        """Whether a cell is empty. Only where no cell has a line feed."""
        return self.data.startswith(b"\n") or b"\n\n" in self.data

    @property
    def filled_numbers(self) -> bool:
        """Whether there are cells, and all are numbers as programs write them."""
        return self.rows > 0 and self.plain_numbers and not self.has_gap

    @cached_property
    def numbers_rows(self) -> bool:
        """Whether all cells are whole numbers from 0 in their shortest form, each of them once."""
        if self.inner is not None or not self.rows or _ROW_NUMBERS.fullmatch(self.data) is None:
            return False
        numbers = np.sort(np.fromstring(self.data, np.int64, sep="\n"))
        return bool((numbers[1:] != numbers[:-1]).all())

    def head(self, count: int) -> list[str]:
        """The first cells as Python texts, at most `count`."""
        if self.inner is not None:
            return self.take(np.arange(min(count, self.rows))).texts()
        return [cell.decode(*_CODEC) for cell in self.data.split(b"\n", count)[: min(count, self.rows)]]

    def texts(self) -> list[str]:
        """The cells as Python texts."""
        if self.inner is None:
            texts = self.data.decode(*_CODEC).split("\n")
            texts.pop()
            return texts
        return [cell.decode(*_CODEC) for block in self.blocks(_AT_ONCE) for cell in block]

    def array(self) -> Array:
        """The cells as an array of Python texts."""
        return np.array(self.texts(), dtype=object) if self.rows else np.empty(0, dtype=object)

    def series(self, name: str | None = None) -> Series:
        """The cells as a series of Python texts."""
        return Series(self.array(), name=name, dtype=object)

    def take(self, rows: Array) -> "TextColumn":
        """The cells at these positions."""
        ends = self._ends()
        starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
        data, parts = np.frombuffer(self.data, np.uint8), []
        inner: list[Array] = []
        done = 0
        for begin in range(0, len(rows), _AT_ONCE):
            at = rows[begin : begin + _AT_ONCE]
            lengths = ends[at] + 1 - starts[at]
            until = np.cumsum(lengths)
            places = np.repeat(starts[at] - until + lengths, lengths)
            places += np.arange(len(places))
            part = data[places].tobytes()
            if self.inner is not None:
                inner.append(np.setdiff1d(_feeds(part), until - 1, assume_unique=True) + done)
            parts.append(part)
            done += len(part)
        found = np.concatenate(inner) if inner else np.arange(0)
        taken = TextColumn(b"".join(parts), len(rows), found if len(found) else None)
        if self.__dict__.get("plain_numbers"):
            taken.__dict__["plain_numbers"] = True  # as all of them are, and it takes time to find out
        return taken

    def blocks(self, rows: int) -> Iterator[list[bytes]]:
        """The cells as bytes, in blocks of so many rows."""
        begin = 0
        if self.inner is None:
            ends = np.append(self._ends()[rows - 1 : -1 : rows] + 1, len(self.data))  # kept for each column of a table
            for end in ends:
                cells = self.data[begin:end].split(b"\n")
                cells.pop()
                yield cells
                begin = end
            return
        ends = self._ends()
        for first in range(0, self.rows, rows):
            cells = []
            for end in ends[first : first + rows].tolist():
                cells.append(self.data[begin:end])
                begin = end + 1
            yield cells

    def _ends(self) -> Array:
        """The place of the line feed behind each cell."""
        ends = _feeds(self.data)
        return ends if self.inner is None else np.setdiff1d(ends, self.inner, assume_unique=True)


def _feeds(data: bytes) -> Array:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == _END)
