"""What gome has written beside a user's table, and whether it still stands there as it was written."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from gome.agents.runtime.opening import opening_of
from gome.errors import GomeError
from gome.viewer.run_folders import run_folders

__all__ = ["is_untouched", "made_anew", "note_written", "remove", "runs_of"]

_NOTE = ".written-by-gome.json"
"""In the task's folder: the table, and a digest of each file that was made of it."""


def note_written(scenario: Path, folder: Path, table: str) -> None:
    """Note what was written for the table of that file name: its scenario and its task's folder."""
    note = {"table": table, "files": _digests(scenario, folder)}
    with suppress(OSError):  # without the note they count as edited
        (folder / _NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")


def is_untouched(scenario: Path, folder: Path, table: str) -> bool:
    """Whether scenario and task were both made of the table of that file name, and nothing of them was changed since.

    So whoever has that table loses nothing where they are made anew.
    """
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        return bool(note == {"table": table, "files": _digests(scenario, folder)})
    except (OSError, ValueError):
        return False


def runs_of(folder: Path, runs: Path) -> Iterator[tuple[Path, str]]:
    """Yield the runs in the folder `runs` on the task in `folder`, the latest first, each with its task's digest."""
    for run in reversed(run_folders(runs)):
        with suppress(GomeError):  # of a log that cannot be read nothing can be said
            opened = opening_of(run)
            if Path(opened.task_path) == folder.resolve():
                yield run, opened.task_digest


@contextmanager
def made_anew(scenario: Path, folder: Path) -> Iterator[None]:
    """Set aside the scenario and the folder that are there, for the context to make them; if it fails, put them back.

    So after an error or ^C both are as they were, or missing.
    """
    with ExitStack() as stack:
        earlier = {}
        if scenario.exists() or folder.exists():
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".earlier-", dir=folder.parent)))
            earlier = {each: place / each.name for each in (scenario, folder) if each.exists()}
        try:
            for made, kept in earlier.items():
                made.rename(kept)
            yield
        except BaseException:
            if all(kept.exists() for kept in earlier.values()):
                remove(scenario, folder)
            for made, kept in earlier.items():
                if kept.exists():
                    kept.rename(made)
            raise


def remove(scenario: Path, folder: Path) -> None:
    """Remove both, where they are there."""
    scenario.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _digests(scenario: Path, folder: Path) -> dict[str, str]:
    """The digest of each file by its path below the scenario's folder."""
    files = [scenario, *(path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != _NOTE)]
    found = {}
    for path in files:
        with path.open("rb") as file:
            found[str(path.relative_to(scenario.parent))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
