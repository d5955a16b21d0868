"""What a finished run submitted, for those who run it again: `predict` and the exported package."""

import shlex
from pathlib import Path
from typing import NamedTuple

from gome.agents.protocol.final_selection import Finalist, Shipped
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import RunFinished, RunOpened
from gome.agents.runtime.opening import opening_of
from gome.agents.scripts.script_run import shipped_views
from gome.bus.store.reader import LogReader
from gome.errors import UsageError
from gome.scenarios.evaluation.views import ViewName
from gome.scenarios.task.task import Task

__all__ = ["Shipment", "shipment_of"]


class Shipment(NamedTuple):
    """The run's first and last message, how its submission was made, and its task, unchanged since."""

    opened: RunOpened
    finished: RunFinished
    shipped: Shipped
    task: Task

    def views(self, member: Finalist) -> list[ViewName]:
        """The views that a member's script is run on: those of its splits, or all rows."""
        return shipped_views(self.shipped, member)

    @property
    def whose(self) -> str:
        """The steps (`trace.step`) whose predictions were submitted."""
        return " and ".join(f"{each.trace}.{each.step}" for each in self.finished.members)


def shipment_of(folder: Path) -> Shipment:
    """The shipment of the run in `folder`, which is only read.

    Raises UsageError where the run is not finished or has no solution, or where its task has changed; TaskError where
    the task is missing.
    """
    finished: RunFinished | None = None
    with LogReader(folder, VOCABULARY) as reader:
        for envelope in reader.envelopes(kinds=["run_finished"]):
            finished = envelope.message if isinstance(envelope.message, RunFinished) else finished
    if finished is None:
        raise UsageError(f"run {folder.name} is not finished; finish it with: gome finish {shlex.quote(str(folder))}")
    if not finished.members or finished.shipped is None:
        raise UsageError(f"run {folder.name} has no accepted solution, so it cannot predict")
    opened = opening_of(folder)
    task = Task.load(Path(opened.task_path))
    if task.digest != opened.task_digest:
        raise UsageError(f"the task's files in {opened.task_path} have changed since the run was trained on them")
    return Shipment(opened, finished, finished.shipped, task)
