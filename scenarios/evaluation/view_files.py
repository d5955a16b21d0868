"""A view as a folder of files: the two tables, a sample submission, `task.json`, and what else the task has.

Files beside the tables are linked and not copied where that can be: all views of a run share one copy.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from gome.errors import TaskError
from gome.scenarios.evaluation.views import View, side_files
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.task.tables import write_table
from gome.scenarios.task.task import Task

__all__ = ["SAMPLE", "TEST", "TRAIN", "ScriptLimits", "copy_side_files", "task_json", "write_view"]

TRAIN, TEST, SAMPLE = "train.csv", "test.csv", "sample_submission.csv"
"""What the tables are called in every view, whatever the task calls them."""

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
)
_READABLE = 0o444


@dataclass(frozen=True)
class ScriptLimits:
    """What `task.json` tells a script of its limits: seconds of wall time for one run, threads, GiB of memory."""

    seconds: float = 3600.0
    threads: int = 1
    memory_gib: float = 4.0


def write_view(task: Task, view: View, folder: Path, limits: ScriptLimits, beside: Path | None = None) -> None:
    """Write a view as a folder that was not there. Raises TaskError where the disk does not take it.

    Side files are linked from `beside` (`copy_side_files`), by default from the task's own folder.
    """
    try:
        folder.mkdir(parents=True)
        for path in side_files(task):
            place = path.relative_to(task.public)
            _link((beside or task.public) / place, folder / place)
        for name, table in zip((TRAIN, TEST, SAMPLE), view.tables(task), strict=True):
            write_table(folder / name, table)
        (folder / "task.json").write_text(task_json(task.brief, limits), encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise TaskError(f"{folder} cannot be written: {error.strerror}") from error


def copy_side_files(task: Task, folder: Path) -> None:
    """The run's own copy of the side files, in a folder that was not there.

    A second name of a file is the file: where scripts are not kept from changing what they see, views must not link to
    the user's own. Raises TaskError where the disk does not take it.
    """
    try:
        folder.mkdir(parents=True)
        for path in side_files(task):
            _copy(path, folder / path.relative_to(task.public))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise TaskError(f"{folder} cannot be written: {error.strerror}") from error


def task_json(brief: TaskBrief, limits: ScriptLimits) -> str:
    """The text of `task.json`: what a script is told of its task and its limits."""
    told = {
        **brief.model_dump(mode="json", include=set(_SHOWN)),
        "train_file": TRAIN,
        "test_file": TEST,
        "limits": {"seconds": limits.seconds, "threads": limits.threads, "memory_gib": limits.memory_gib},
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; copy it where it is on another disk, or closed to the users that scripts run as."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = source.resolve()
    if source.stat().st_mode & _READABLE == _READABLE:
        try:
            os.link(source, target)
        except OSError:
            pass  # another file system, or a file of somebody else
        else:
            return
    _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)
