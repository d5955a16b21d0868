"""Where runs live and how one is named: `YYMMDD-HHMM-name-xxxx`, any unique prefix, `@last`, `@best`."""

import os
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from gome.agents.protocol.messages import VOCABULARY
from gome.bus.store.reader import LogReader
from gome.errors import LogDamaged, RunNotFound
from gome.viewer.model.summary import OUTLINE, Summary, summarise

__all__ = ["find_run", "has_log", "new_run_id", "open_reader", "outline", "run_folders", "runs_root"]

_LOG = "log.sqlite"


def runs_root(folder: Path | None) -> Path:
    """The folder of all runs: the one given, or `GOME_RUNS`, or `runs` here."""
    return folder if folder is not None else Path(os.environ.get("GOME_RUNS") or "runs")


def new_run_id(name: str, now: datetime | None = None) -> str:
    """An id for a new run, in UTC. Sorting ids sorts runs by the minute of their start."""
    moment = now or datetime.now(UTC)
    return f"{moment:%y%m%d-%H%M}-{name}-{token_hex(2)}"


def run_folders(root: Path) -> list[Path]:
    """The folders of runs that have a log, oldest first."""
    if not root.is_dir():
        return []
    logs = [folder / _LOG for folder in root.iterdir() if (folder / _LOG).is_file()]
    return [log.parent for log in sorted(logs, key=lambda log: (log.parent.name[:11], log.stat().st_ctime_ns))]


def find_run(root: Path, name: str) -> Path:
    """The folder of the one run that answers to `name`: an id, a unique prefix of one, `@last`, `@best`, or a path.

    Raises RunNotFound where none does, or more than one.
    """
    folders = run_folders(root)
    if os.sep in name and (Path(name) / _LOG).is_file():
        return Path(name)
    if not folders:
        raise RunNotFound(f"there is no run in {root}; start one with: gome run SCENARIO")
    if name == "@last":
        return folders[-1]
    if name == "@best":
        return _best(folders)
    matches = [folder for folder in folders if folder.name == name] or [
        folder for folder in folders if folder.name.startswith(name)
    ]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise RunNotFound(f"no run in {root} is named {name!r}; see them with: gome runs")
    shown = ", ".join(folder.name for folder in matches[:5])
    raise RunNotFound(f"{name!r} is the start of {len(matches)} runs ({shown}); write more of it")


def has_log(folder: Path) -> bool:
    """Whether the run has begun to write its log: the file is there, and its tables in it."""
    log = folder / _LOG
    if not log.is_file():
        return False
    try:
        open_reader(folder).close()
    except LogDamaged:
        return False
    return True


def open_reader(folder: Path) -> LogReader:
    """A reader of that run's log."""
    return LogReader(folder, VOCABULARY)


def outline(folder: Path) -> Summary:
    """The summary of a run from its few telling messages: cheap enough for a list of runs."""
    with open_reader(folder) as reader:
        return summarise(reader.envelopes(kinds=OUTLINE))


def _best(folders: list[Path]) -> Path:
    """Of the runs on the last run's task, the one with the best score."""
    scored: list[tuple[Path, Summary, float]] = []
    digest: str | None = None
    for folder in reversed(folders):
        summary = outline(folder)
        if summary.opened is None:
            continue
        digest = digest or summary.opened.task_digest
        if summary.opened.task_digest == digest and summary.best is not None:
            scored.append((folder, summary, summary.best.score))
    if not scored:
        raise RunNotFound("no run has an accepted solution yet; see them with: gome runs")
    best = scored[0]
    for each in scored[1:]:
        if each[1].better(each[2], best[2]):
            best = each
    return best[0]
