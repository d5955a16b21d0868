"""A folder of pictures by class becomes a table and pictures under neutral names.

    leaves/oak/a.jpg, leaves/elm/b.png  ──►  id, path, class          pictures/1.jpg, pictures/2.png
                                             1, pictures/1.jpg, oak

Names, folders and times of files may tell the class, so nothing of them is kept: pictures are numbered in the order
of a hash of their content.
"""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pandas import DataFrame

from gome.errors import TaskError
from gome.scenarios.task.side_files import PICTURES

__all__ = ["FOLDER", "Pictures", "read_pictures"]

FOLDER = "pictures"
"""The folder of a task that holds the pictures."""

_PARTS = frozenset(["train", "training", "val", "valid", "validation", "test", "testing"])
_ENDS = ", ".join(end[1:] for end in PICTURES)
_SHOWN = 3
_LOOKED_AT = 64  # pixels of a side at which JPEG files are decoded, only to see whether they are whole


class Pictures(NamedTuple):
    """The table of some pictures (id, path, and the class if known), the file of each path, and remarks."""

    table: DataFrame
    files: dict[str, Path]
    remarks: tuple[str, ...]


class _File(NamedTuple):
    digest: str
    path: Path
    folder: str


def read_pictures(folder: Path, target: str, *, after: int = 0, classes: Sequence[str] = ()) -> Pictures:
    """Read the pictures of a folder, numbered from `after` + 1.

    Args:
        folder: The folder. Its sub-folders are the classes, or all pictures lie in it (only with `classes`).
        target: The name of the column of classes.
        after: The number of pictures that have a number already.
        classes: For pictures to predict: the classes of the training pictures.

    Raises:
        TaskError: there are no pictures, fewer than two classes, or an empty class; with what to do.
    """
    named = sorted(path for path in folder.iterdir() if path.is_dir() and not _hidden(path.name))
    found = {each.name: list(_files(each)) for each in named}
    loose = [path for path in sorted(folder.iterdir()) if path.is_file() and not _hidden(path.name)]
    remarks: list[str] = []
    flat = bool(classes) and not any(_pictures(files) for files in found.values())
    if flat:
        found = {"": loose}
    else:
        _check_classes(folder, named, found, classes)
        if beside := _pictures(loose):
            remarks.append(f"{folder.name}: left out, as in no folder of a class: {_listed(beside, folder)}")
    odd = [path for paths in found.values() for path in paths if path.suffix.lower() not in PICTURES]
    if odd:
        remarks.append(f"{folder.name}: left out, as no pictures by their names: {_listed(odd, folder)}")
    whole = {name: _whole(_pictures(paths), folder, remarks) for name, paths in found.items()}
    if unread := [name for name, paths in whole.items() if not paths]:
        raise TaskError(f"{folder / unread[0]}: no picture in this folder ({_ENDS}) that can be read")
    files = [_File(_digest(path), path, name) for name, paths in whole.items() for path in paths]
    numbered = _numbered(files if flat else _once(files, folder, remarks), after)
    sources = {name: each.path for name, each in numbered.items()}
    return Pictures(_table(numbered, None if flat else target), sources, tuple(remarks))


def _check_classes(folder: Path, named: Sequence[Path], found: dict[str, list[Path]], classes: Sequence[str]) -> None:
    """Raises TaskError where the sub-folders are not at least two classes with pictures."""
    parts = [each for each in named if each.name.lower() in _PARTS and any(path.is_dir() for path in each.iterdir())]
    if parts and len(parts) == len(named):
        train = next((each for each in parts if each.name.lower().startswith("train")), parts[0])
        test = next((f" --test {each}" for each in parts if each.name.lower().startswith("test")), "")
        raise TaskError(f"{folder} holds parts, not classes: gome run {train}{test}")
    if not any(_pictures(paths) for paths in found.values()):
        raise TaskError(
            f"{folder} has no pictures by class: put the pictures of each class into a folder of its name, as "
            f"{folder.name}/CLASS/picture.png ({_ENDS})"
        )
    if empty := [name for name, paths in found.items() if not _pictures(paths)]:
        raise TaskError(f"{folder / empty[0]}: this class has no picture; add pictures, or remove the folder")
    for name in found:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise TaskError(f"{folder}: the name of the class {name!r} is not UTF-8: rename its folder") from error
    if strange := [name for name in found if classes and name not in classes]:
        raise TaskError(f"{folder / strange[0]}: there is no such class in training: {', '.join(classes[:8])}")
    if len(found) < 2 and not classes:
        raise TaskError(f"{folder} has only one class ({next(iter(found))}): nothing to predict")


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, hidden ones left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(map(_hidden, path.relative_to(folder).parts)):
            yield path


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _pictures(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if path.suffix.lower() in PICTURES]


def _whole(paths: Sequence[Path], folder: Path, remarks: list[str]) -> list[Path]:
    """The files that can be read as pictures; a remark names the others."""
    broken = [path for path in paths if not _readable(path)]
    if broken:
        remarks.append(f"{folder.name}: left out, as damaged or too large: {_listed(broken, folder)}")
    return [path for path in paths if path not in set(broken)]


def _readable(path: Path) -> bool:
    from PIL import Image  # import only if there are pictures

    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning), Image.open(path) as file:
            file.draft("L", (_LOOKED_AT, _LOOKED_AT))
            file.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _once(files: Sequence[_File], folder: Path, remarks: list[str]) -> list[_File]:
    """The files without repeated pictures of a class. A picture in several classes stays in each, with a remark."""
    kept = {(each.digest, each.folder): each for each in reversed(files)}
    if more := len(files) - len(kept):
        remarks.append(f"{folder.name}: left out, as repeated within a class: {more}")
    if double := len(kept) - len({digest for digest, _ in kept}):
        remarks.append(f"{folder.name}: in more than one class, which nothing can tell apart: {double}")
    return list(kept.values())


def _numbered(files: Sequence[_File], after: int) -> dict[str, _File]:
    """Neutral name → file, in the order of their contents."""
    ordered = sorted(files, key=lambda each: (each.digest, each.folder))
    return {f"{FOLDER}/{number}{each.path.suffix.lower()}": each for number, each in enumerate(ordered, after + 1)}


def _table(files: dict[str, _File], target: str | None) -> DataFrame:
    ids = [Path(name).stem for name in files]
    table = DataFrame({"id": ids, "path": list(files)}, dtype=object)
    return table if target is None else table.assign(**{target: [each.folder for each in files.values()]})


def _listed(paths: Sequence[Path], folder: Path) -> str:
    names = [path.relative_to(folder).as_posix() for path in paths[:_SHOWN]]
    return ", ".join(names) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")
