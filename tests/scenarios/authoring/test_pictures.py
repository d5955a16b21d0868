"""A folder of pictures by class as a task."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gome.errors import TaskError, UsageError
from gome.scenarios.authoring.from_table import NewTask, new_task
from gome.scenarios.authoring.sources import open_source
from gome.scenarios.evaluation.harness import Harness


def picture(path: Path, level: int, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shades = np.random.default_rng(seed).integers(level, level + 40, (8, 8)).astype(np.uint8)
    Image.fromarray(shades).save(path)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as file:
        return file.size


@pytest.fixture
def leaves(tmp_path: Path) -> Path:
    """Three classes, one with a number as its name, of PNG and JPEG files."""
    for place, name in enumerate(("elm", "oak", "7")):
        for seed in range(12):
            picture(
                tmp_path / "leaves" / name / f"{name}_{seed}.{('png', 'JPG')[seed % 2]}", 60 * place, 100 * place + seed
            )
    return tmp_path / "leaves"


def made(folder: Path, test: Path | None = None, targets: tuple[str, ...] = ()) -> tuple[NewTask, tuple[str, ...]]:
    with open_source(folder, test, targets) as source:
        task = new_task(
            *(folder.parent / "task", source.train, source.targets),
            test=source.test,
            extra=source.extra,
            classified=source.classified,
        )
    return task, source.remarks


def test_pictures_by_class_become_a_task_that_scripts_can_open(leaves: Path) -> None:
    task = made(leaves)[0].task
    assert (task.brief.task_type, task.brief.metric, task.brief.targets) == ("multiclass", "log-loss", ("class",))
    assert task.brief.classes == ("7", "elm", "oak")
    harness = Harness(task, leaves.parent / "views", seed=1)
    images = harness.profile.images
    assert images is not None
    assert (images.pattern, images.column, images.width, images.found) == ("{}", "path", 8, 1.0)
    view = harness.data("split-0")
    paths = [
        line.split(",")[1] for name in ("train.csv", "test.csv") for line in (view / name).read_text().splitlines()[1:]
    ]
    assert len(paths) == 36
    assert all(size_of(view / path) == (8, 8) for path in paths)


def test_nothing_of_a_file_but_its_content_reaches_scripts(leaves: Path) -> None:
    made(leaves)
    public = leaves.parent / "task" / "prepared" / "public"
    rows = [line.split(",") for line in (public / "train.csv").read_text().splitlines()[1:]]
    assert all(path.removesuffix(Path(path).suffix) == f"pictures/{key}" for key, path, _ in rows)
    classes = [name for _, _, name in sorted(rows, key=lambda row: int(row[0]))]
    assert sum(one == two for one, two in itertools.pairwise(classes)) < len(classes) / 2  # no blocks
    kept = {path.stat().st_mtime for path in leaves.rglob("*") if path.is_file()}
    assert kept.isdisjoint(path.stat().st_mtime for path in (public / "pictures").iterdir())


def test_a_second_folder_is_the_test_with_or_without_classes(leaves: Path, tmp_path: Path) -> None:
    for seed in range(4):
        picture(tmp_path / "flat" / f"p{seed}.png", 0, 900 + seed)
        picture(tmp_path / "named" / "oak" / f"p{seed}.png", 0, 950 + seed)
    flat = made(leaves, tmp_path / "flat")[0].task
    assert (flat.brief.test_rows, flat.answers) == (4, None)
    (tmp_path / "task").rename(tmp_path / "task-1")
    named = made(leaves, tmp_path / "named", ("tree",))[0].task
    assert named.brief.targets == ("tree",)
    assert named.answers is not None
    assert [line.split(",")[1] for line in named.answers.read_text().splitlines()] == ["tree", *["oak"] * 4]


def test_what_is_left_out_is_said(leaves: Path) -> None:
    (leaves / "oak" / "notes.txt").write_text("mine")
    (leaves / "oak" / ".DS_Store").write_text("")
    whole = (leaves / "elm" / "elm_1.JPG").read_bytes()
    (leaves / "elm" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (leaves / "elm" / "again.jpg").write_bytes(whole)
    (leaves / "oak" / "both.jpg").write_bytes(whole)
    picture(leaves / "loose.png", 0, 5)
    new, remarks = made(leaves)
    assert remarks == (
        "leaves: left out, as in no folder of a class: loose.png",
        "leaves: left out, as no pictures by their names: oak/notes.txt",
        "leaves: left out, as damaged or too large: elm/cut.jpg",
        "leaves: left out, as repeated within a class: 1",
        "leaves: in more than one class, which nothing can tell apart: 1",
    )
    assert new.task.brief.train_rows + new.task.brief.test_rows == 37


def test_what_is_no_folder_of_pictures_gets_words(leaves: Path, tmp_path: Path) -> None:
    cases: dict[str, str] = {
        "empty": r"empty has no pictures by class: .* empty/CLASS/picture\.png",
        "flat": "no pictures by class",
        "one": r"only one class \(oak\)",
        "gap": "gap/elm: this class has no picture",
        "broken": "broken/oak: no picture in this folder .* can be read",
        "parts": "holds parts, not classes: gome run .*parts/train --test .*parts/test",
        "few": "few has 2 rows; a task needs at least 20",
        "None": "the target 'None' counts as missing",
    }
    for name in cases:
        (tmp_path / name).mkdir()
    picture(tmp_path / "flat" / "a.png", 0, 1)
    picture(tmp_path / "one" / "oak" / "a.png", 0, 1)
    picture(tmp_path / "gap" / "oak" / "a.png", 0, 1)
    (tmp_path / "gap" / "elm").mkdir()
    picture(tmp_path / "broken" / "elm" / "a.png", 0, 1)
    (tmp_path / "broken" / "oak").mkdir()
    (tmp_path / "broken" / "oak" / "a.png").write_bytes(b"\x89PNG\r\n")
    for part in ("train", "test"):
        picture(tmp_path / "parts" / part / "oak" / "a.png", 0, 1)
    for name in ("oak", "elm"):
        picture(tmp_path / "few" / name / "a.png", 0, len(name))
    for seed in range(30):
        picture(tmp_path / "None" / ("None", "oak")[seed % 2] / f"{seed}.png", 0, seed)
    for name, words in cases.items():
        with pytest.raises(TaskError, match=words):
            made(tmp_path / name)
        with pytest.raises(TaskError, match=str(tmp_path / name)):
            made(tmp_path / name)
    with pytest.raises(TaskError, match=r"no such class in training: 7, elm, oak"):
        picture(tmp_path / "other" / "ash" / "a.png", 0, 1)
        made(leaves, tmp_path / "other")
    with pytest.raises(UsageError, match="one target, which is not id or path"):
        made(leaves, targets=("path",))
    assert not (tmp_path / "task").exists()


def test_a_class_whose_name_is_no_text_gets_words(leaves: Path) -> None:
    (leaves / "elm").rename(os.fsdecode(os.fsencode(leaves) + b"/\xff"))
    with pytest.raises(TaskError, match="is not UTF-8: rename its folder"):
        made(leaves)
