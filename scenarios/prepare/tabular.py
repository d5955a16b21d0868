"""Make the files of a task from a carrier's rows: shuffle, renumber and split them.

The order comes from hashes of the rows' positions, so that order and ids carry no information and the result does not
depend on any library version. Rows map column names to text.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence

__all__ = ["Row", "as_csv", "by_share", "hash_of", "numbered", "read_csv", "task_files"]

Row = Mapping[str, str]


def read_csv(content: bytes) -> list[dict[str, str]]:
    """Read the rows of a CSV file with a header."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Encode a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def by_share(name: str, count: int, test_rows: int, strata: Sequence[str] | None = None) -> list[bool]:
    """For each of `count` rows whether it is a test row: about `test_rows` of them, the same share of each stratum."""
    key = strata or [""] * count
    order = sorted(range(count), key=lambda index: (key[index], hash_of(f"{name} split {index}")))
    chosen = [False] * count
    for position, index in enumerate(order):
        chosen[index] = (position + 1) * test_rows // count > position * test_rows // count
    return chosen


def numbered(name: str, count: int) -> list[tuple[int, int]]:
    """The rows in their new order: (new number from 1, position in the carrier)."""
    return list(enumerate(sorted(range(count), key=lambda index: hash_of(f"{name} {index}")), start=1))


def task_files(
    name: str, rows: Sequence[Row], target: str, tested: Sequence[bool], blank: Callable[[str], Mapping[str, str]]
) -> dict[str, bytes]:
    """Make the task's files: path under `prepared/` → content.

    `tested` marks test rows; `blank` returns the sample submission's values for an id.
    """
    features = [column for column in rows[0] if column != target]
    train: list[list[str]] = []
    test: list[list[str]] = []
    answers: list[list[str]] = []
    for number, index in numbered(name, len(rows)):
        row = rows[index]
        known = [str(number), *(row[column] for column in features)]
        if tested[index]:
            test.append(known)
            answers.append([str(number), row[target]])
        else:
            train.append([*known, row[target]])
    sample = [{"id": number, **blank(number)} for number, _ in answers]
    return {
        "public/train.csv": as_csv(["id", *features, target], train),
        "public/test.csv": as_csv(["id", *features], test),
        "public/sample_submission.csv": as_csv(list(sample[0]), [list(row.values()) for row in sample]),
        "private/answers.csv": as_csv(["id", target], answers),
    }


def hash_of(text: str) -> bytes:
    """The SHA-256 of `text`, used as a key to shuffle and draw rows."""
    return hashlib.sha256(text.encode()).digest()
