"""Test fixture to run scripts: a workspace, public data, private answers beside it, and a check for leftovers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import psutil

from gome.executors.launch import Executor, Launch, Limits, Outcome, Slot

DATA = Path("/gome/data")
ANSWER = "the-private-answer"
MARK = "GOME_TEST_MARK"


class Place:
    """Folders of one task, and methods to run a script on it; a run that leaves a process behind fails."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self.executor = executor
        self.folder = folder
        self.workspace = folder / "workspace"
        self.data = folder / "prepared" / "public"
        self.answers = folder / "prepared" / "private" / "answers.csv"
        for each in (self.workspace, self.data, self.answers.parent):
            each.mkdir(parents=True)
        (self.data / "train.csv").write_text("x,y\n1,2\n")
        self.answers.write_text(ANSWER)

    def launch(self, source: str, *arguments: str, artefacts: tuple[str, ...] = (), **limits: Any) -> Launch:
        """A launch of that source, with a token by which all its processes can be found."""
        script = self.workspace / "solution.py"
        script.write_text(source)
        return Launch(
            script=script,
            arguments=arguments,
            workspace=self.workspace,
            read_only={self.data: DATA},
            environment={MARK: uuid4().hex},
            limits=Limits(**{"wall": 20.0, **limits}),
            artefacts=artefacts,
        )

    def run(self, launch: Launch, slot: Slot | None = None, on_line: Callable[[str], None] | None = None) -> Outcome:
        """Run it to its end, and check that no process of it is alive."""
        outcome = anyio.run(self.executor.run, launch, slot or Slot(index=0), on_line)
        assert survivors(launch) == []
        return outcome

    def script(self, source: str, *arguments: str, artefacts: tuple[str, ...] = (), **limits: Any) -> Outcome:
        """Run that source."""
        return self.run(self.launch(source, *arguments, artefacts=artefacts, **limits))


def survivors(launch: Launch) -> list[psutil.Process]:
    """Living processes with the launch's token in their environment or command line."""
    mark = launch.environment[MARK]
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(MARK) == mark or mark in " ".join(process.cmdline())
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found
