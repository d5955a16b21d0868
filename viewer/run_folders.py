"""Locate runs: ids (`YYMMDD-HHMM-name-xxxx`), unique prefixes, `@last`, `@best`; open their logs."""

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from gome.agents.protocol.messages import VOCABULARY
from gome.bus.store.reader import LogReader
from gome.errors import LogDamaged, LogError, RunNotFound, UsageError
from gome.viewer.model.summary import OUTLINE, Summary, summarise

__all__ = ["as_opened", "find_run", "has_log", "new_run_id", "open_reader", "outline", "run_folders", "runs_root"]

_LOG = "log.sqlite"
_LONGEST_PATH = 420
"""Bytes; SQLite opens no path over 511, and a run's id, the log's name and its endings follow."""


def runs_root(folder: Path | None) -> Path:
    """The folder of all runs: `folder`, else $GOME_RUNS, else `runs` in the working directory.

    Raises UsageError where its path is too long for the log, is not UTF-8, or is that of a file.
    """
    root = folder if folder is not None else Path(os.environ.get("GOME_RUNS") or "runs")
    path = os.fsencode(root.absolute())
    if len(path) > _LONGEST_PATH:
        raise UsageError(
            f"the path of the folder of runs has {len(path)} bytes, and a log can be opened where it has at most "
            f"{_LONGEST_PATH}: choose a shorter one by --runs"
        )
    try:
        path.decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the path of the folder of runs is not UTF-8 ({path!r}), so no message can name it: work in another "
            "folder, or rename this one"
        ) from error
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is a file, and the folder of runs is wanted: choose another by --runs")
    return root


def new_run_id(name: str, now: datetime | None = None) -> str:
    """A new run id with the UTC start time (default: now). Ids sort by start time, to the minute."""
    moment = now or datetime.now(UTC)
    return f"{moment:%y%m%d-%H%M}-{name}-{token_hex(2)}"


def run_folders(root: Path) -> list[Path]:
    """The folders in `root` that contain a log, oldest first."""
    if not root.is_dir():
        return []
    logs = [folder / _LOG for folder in root.iterdir() if (folder / _LOG).is_file()]
    return [log.parent for log in sorted(logs, key=lambda log: (log.parent.name[:11], log.stat().st_ctime_ns))]


def find_run(root: Path, name: str) -> Path:
    """The folder of the run that `name` identifies: an id, a unique prefix, `@last`, `@best`, or a path.

    Raises RunNotFound where no run or more than one run matches.
    """
    folders, place = run_folders(root), Path(name)
    if os.sep in name:
        if not (place / _LOG).is_file():
            raise RunNotFound(f"{name} is not the folder of a run: it has no {_LOG}")
        return place
    if folders and name == "@last":
        return folders[-1]
    if folders and name == "@best":
        return _best(folders)
    matches = [folder for folder in folders if folder.name == name] or [
        folder for folder in folders if folder.name.startswith(name)
    ]
    if len(matches) == 1:
        return matches[0]
    if not matches and (place / _LOG).is_file():
        return place
    if not folders:
        raise RunNotFound(f"there is no run in {root}; start one with: gome run SCENARIO")
    if not matches:
        raise RunNotFound(f"no run in {root} is named {name!r}; list them with: gome runs")
    shown = ", ".join(folder.name for folder in matches[:5])
    raise RunNotFound(f"{name!r} matches {len(matches)} runs ({shown}); use a longer prefix")


def as_opened(folder: Path) -> str:
    """How a command names the run in `folder`: by its id in the usual folder of runs, else by its path."""
    usual = Path(os.environ.get("GOME_RUNS") or "runs")
    return folder.name if folder.absolute().parent.resolve() == usual.resolve() else shlex.quote(str(folder))


def has_log(folder: Path) -> bool:
    """Whether the log exists and its tables have been created."""
    log = folder / _LOG
    if not log.is_file():
        return False
    try:
        open_reader(folder).close()
    except LogDamaged:
        return False
    return True


def open_reader(folder: Path) -> LogReader:
    """Open the log of the run in `folder` for reading."""
    return LogReader(folder, VOCABULARY)


def outline(folder: Path) -> Summary:
    """The summary of a run from the few message kinds in OUTLINE: cheap enough for a list of runs."""
    with open_reader(folder) as reader:
        return summarise(reader.envelopes(kinds=OUTLINE))


def _best(folders: list[Path]) -> Path:
    """The best-scoring run among those with the same task data as the latest run."""
    scored: list[tuple[Path, Summary, float]] = []
    digest: str | None = None
    for folder in reversed(folders):
        try:
            summary = outline(folder)
        except LogError:  # `gome runs` lists it as damaged
            continue
        if summary.opened is None:
            continue
        digest = digest or summary.opened.task_digest
        if summary.opened.task_digest == digest and summary.best is not None:
            scored.append((folder, summary, summary.best.score))
    if not scored:
        raise RunNotFound("no run has an accepted solution yet; list runs with: gome runs")
    best = scored[0]
    for each in scored[1:]:
        if each[1].better(each[2], best[2]):
            best = each
    return best[0]
