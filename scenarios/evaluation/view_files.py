"""Write a view as a folder: the two tables, a sample submission, `task.json`, and the task's side files.

Side files are hard-linked instead of copied if possible, so that all views of a run share one copy.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from gome.errors import TaskError
from gome.scenarios.evaluation.views import View, side_files
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.task.tables import write_columns
from gome.scenarios.task.task import Task

__all__ = ["SAMPLE", "TEST", "TRAIN", "ScriptLimits", "copy_side_files", "task_json", "write_view"]

TRAIN, TEST, SAMPLE = "train.csv", "test.csv", "sample_submission.csv"
"""The tables' names in every view, independent of their names in the task."""

_SHOWN = (
    "name",
    "task_type",
    "id_column",
    "targets",
    "classes",
    "metric",
    "direction",
    "prediction",
    "submission_columns",
    "split",
    "dtypes",
)
_READABLE = 0o444


@dataclass(frozen=True)
class ScriptLimits:
    """The limits of a script as stated in `task.json`: wall time of one run in seconds, threads, memory in GiB."""

    seconds: float = 3600.0
    threads: int = 1
    memory_gib: float = 4.0


def write_view(task: Task, view: View, folder: Path, limits: ScriptLimits, beside: Path | None = None) -> None:
    """Write a view to `folder`, which must not exist. Raises TaskError if it cannot be written.

    Side files are linked from `beside` (`copy_side_files`), by default from the task's own folder.
    """
    try:
        folder.mkdir(parents=True)
        for path in side_files(task):
            place = path.relative_to(task.public)
            _link((beside or task.public) / place, folder / place)
        rows = (len(view.names_of_train), len(view.names), len(view.names))
        for name, columns, count in zip((TRAIN, TEST, SAMPLE), view.tables(task), rows, strict=True):
            write_columns(folder / name, columns, count)
        (folder / "task.json").write_text(task_json(task.brief, limits), encoding="utf-8")
        _open_to_scripts(folder)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise TaskError(f"{folder} cannot be written: {error.strerror}") from error


def copy_side_files(task: Task, folder: Path) -> None:
    """Copy a task's side files to `folder`, which must not exist. Raises TaskError if it cannot be written.

    Needed if scripts could write to their data: writing to a hard link would change the user's own file.
    """
    try:
        folder.mkdir(parents=True)
        for path in side_files(task):
            _copy(path, folder / path.relative_to(task.public))
        _open_to_scripts(folder)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise TaskError(f"{folder} cannot be written: {error.strerror}") from error


def _open_to_scripts(folder: Path) -> None:
    """Let the users that scripts run as read the folder, whatever the umask. A hard link has the user's own mode."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() or (path.is_file() and path.stat().st_nlink == 1):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def task_json(brief: TaskBrief, limits: ScriptLimits) -> str:
    """The text of `task.json`: the task and the limits, for scripts."""
    fields = {
        **brief.model_dump(mode="json", include=set(_SHOWN)),
        "train_file": TRAIN,
        "test_file": TEST,
        "limits": {"seconds": limits.seconds, "threads": limits.threads, "memory_gib": limits.memory_gib},
    }
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _link(source: Path, target: Path) -> None:
    """Hard-link a file; copy it if it is on another file system or not readable by the users that scripts run as."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = source.resolve()
    if source.stat().st_mode & _READABLE == _READABLE:
        try:
            os.link(source, target)
        except OSError:
            pass  # another file system, or a file of another user
        else:
            return
    _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)
