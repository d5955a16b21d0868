"""Runs for tests, in this process, and what their logs say."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio

from gome.agents.protocol.messages import VOCABULARY, Diagnosis
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import start_run
from gome.agents.scripts.script_run import ScriptRan
from gome.bus.events import ActivityFinished
from gome.bus.message import Envelope, Message
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import LogReader
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import Scenario

__all__ = ["SCENARIOS", "Run", "conducted", "read_run", "run_scenario"]

SCENARIOS = Path(__file__).parents[3] / "scenarios"
M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, how it ended, all its messages."""

    folder: Path
    finished: RunFinished
    envelopes: tuple[Envelope, ...]

    def all(self, kind: type[M]) -> list[tuple[Envelope, M]]:
        """The messages of one kind with their envelopes, in log order."""
        return [(each, each.message) for each in self.envelopes if isinstance(each.message, kind)]

    @property
    def path(self) -> list[tuple[object, ...]]:
        """What happened, without when: for each step its hypotheses, verdict, score and what its files were."""
        steps = [
            (
                envelope.trace,
                envelope.step,
                tuple(hypothesis.key for hypothesis in diagnosis.hypotheses),
                diagnosis.verdict,
                diagnosis.score,
                diagnosis.script_ref,
                diagnosis.submission_ref,
                diagnosis.oof_ref,
            )
            for envelope, diagnosis in self.all(Diagnosis)
        ]
        return sorted(steps, key=lambda step: step[:2])

    @property
    def end(self) -> dict[str, Any]:
        """How the run ended, without how long its scripts took."""
        said = self.finished.model_dump(mode="json")
        members = said["ensemble"]["members"] if said["ensemble"] else []
        for finalist in [said["winner"], *members, *(ranking["finalist"] for ranking in said["ranking"])]:
            finalist.pop("seconds")
        return said

    @property
    def scripts(self) -> list[tuple[Envelope, ActivityFinished, ScriptRan]]:
        """All script runs that ended, with what came of each, in log order."""
        artefacts = Artefacts(self.folder)
        return [
            (envelope, finished, ScriptRan.model_validate_json(artefacts.read_now(finished.result_ref)))
            for envelope, finished in self.all(ActivityFinished)
            if finished.activity == "script"
        ]


def run_scenario(path: Path, folder: Path, *overrides: str) -> Run:
    """Conduct the scenario of that file, with `--set` overrides, in `folder`, to its end."""
    return conducted(load_scenario(path, overrides), folder, path)


def conducted(
    scenario: Scenario,
    folder: Path,
    path: Path | None = None,
    start: Path | None = None,
    *,
    unsandboxed: bool = False,
) -> Run:
    """Conduct a scenario in `folder` to its end; `path` is where its file would be, by default beside the run."""
    beside = path or folder.with_suffix(".yaml")
    run = partial(start_run, scenario, beside, folder, run_id=folder.name, start=start, unsandboxed=unsandboxed)
    finished = anyio.run(run)
    assert finished is not None
    return read_run(folder, finished)


def read_run(folder: Path, finished: RunFinished) -> Run:
    """The run whose log stands in `folder`."""
    with LogReader(folder, VOCABULARY) as reader:
        return Run(folder, finished, tuple(reader.envelopes()))
