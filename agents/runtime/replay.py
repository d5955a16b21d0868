"""Replay a run from its log alone: no script is run, no model is called, no socket is opened.

The log has everything the actors need (`RunOpened` carries task, profile and scenario), so neither the task's folder
nor a key is required. `rerun_scripts` is the complement: it runs the recorded scripts again and compares their scores.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from gome.agents.backends.base import Answer, Embedded, Texts
from gome.agents.protocol import activities
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.requests import Request
from gome.agents.roles.finisher import Averaged, Averaging, Blended, Blending, Ensembled, Ensembling, Graded, Grading
from gome.agents.roles.prober import Probed, Probing
from gome.agents.roles.team import seat
from gome.agents.runtime.opening import opening_of
from gome.agents.scripts.error_analysis import Analysed, Analysing, Paired, Pairing
from gome.agents.scripts.joined_splits import Assembled, Assembling
from gome.agents.scripts.script_run import Forward, ScriptRan, ScriptRun
from gome.bus.actors.replay import Replayed, replay
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.store.reader import LogReader
from gome.errors import ReplayDiverged
from gome.executors.launch import Cause
from gome.scenarios.config.scenario import Scenario

__all__ = ["Rerun", "replay_run", "rerun_scripts"]

_CONNECTING = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn"})


class _NoWorld:
    """Replaces backends and executor in a replay: any call means that the replay has diverged from the log."""

    label = "replay"

    async def answer(self, request: Request[Any]) -> Answer:
        raise ReplayDiverged(f"the replay called a model, which the log does not record: {type(request).__name__}")

    async def embed(self, request: Texts) -> Embedded:
        raise ReplayDiverged(f"the replay embedded {len(request.texts)} texts, which the log does not record")

    async def aclose(self) -> None:
        """Nothing to close."""

    @property
    def forward(self) -> Forward:
        return self

    async def run(
        self,
        request: ScriptRun,
        owner: str,
        *,
        turn: int = 1,
        over: anyio.Event | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ScriptRan:
        raise ReplayDiverged(f"the replay ran script {request.script_ref} for {owner}, which the log does not record")

    async def grade(self, request: Grading) -> Graded:
        raise ReplayDiverged(f"the replay graded {request.submission_ref}, which the log does not record")

    async def assemble(self, request: Assembling) -> Assembled:
        raise ReplayDiverged(f"the replay combined {len(request.predictions_refs)} runs, which the log does not record")

    async def analyse(self, request: Analysing) -> Analysed:
        raise ReplayDiverged(f"the replay analysed the errors of {request.oof_ref}, which the log does not record")

    async def pair(self, request: Pairing) -> Paired:
        raise ReplayDiverged(f"the replay compared {request.own_ref} with {request.other_ref}, not recorded in the log")

    async def blend(self, request: Blending) -> Blended:
        raise ReplayDiverged(
            f"the replay blended {len(request.predictions_refs)} predictions, which the log does not record"
        )

    async def probe(self, request: Probing) -> Probed:
        raise ReplayDiverged(f"the replay probed {request.predictions_ref}, which the log does not record")

    async def ensemble(self, request: Ensembling) -> Ensembled:
        raise ReplayDiverged(
            f"the replay selected an ensemble from {len(request.oof_refs)} trials, which the log does not record"
        )

    async def average(self, request: Averaging) -> Averaged:
        raise ReplayDiverged(
            f"the replay averaged {len(request.submission_refs)} submissions, which the log does not record"
        )


async def replay_run(folder: Path) -> Replayed:
    """Send each actor of the run in `folder` its recorded messages, and compare what it sends with the log.

    Raises ReplayDiverged at the first message that differs, with the difference.
    """
    opened = opening_of(folder)
    scenario = Scenario.model_validate(opened.scenario)
    nothing = _NoWorld()
    backends = dict.fromkeys(scenario.backends, nothing)
    with LogReader(folder, VOCABULARY) as reader, _closed_world():
        embedder = None if scenario.roles.memory_keeper.embedding == "hashing" else nothing
        actors = seat(scenario, backends, nothing, reader.artefacts, embedder)
        return await replay(reader, actors)


@contextmanager
def _closed_world() -> Iterator[None]:
    """Turn any connection or new process inside this context into ReplayDiverged."""
    closed = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if closed and event in _CONNECTING:
            raise ReplayDiverged(f"the replay tried to open a connection or start a process: {event}{arguments}")

    sys.addaudithook(hook)  # hooks cannot be removed, hence the flag
    try:
        yield
    finally:
        closed = False


@dataclass(frozen=True, slots=True)
class Rerun:
    """A recorded script run with its recorded score (`before`) and its score when run again (`after`)."""

    message: str
    view: str
    before: float | None
    after: float | None

    @property
    def same(self) -> bool:
        """Whether the scores are exactly equal."""
        return self.before == self.after


async def rerun_scripts(folder: Path, forward: Forward) -> list[Rerun]:
    """Run every recorded script of the run in `folder` again, in log order, and compare the scores.

    Abandoned and reused runs are skipped.
    """
    reruns: list[Rerun] = []
    with LogReader(folder, VOCABULARY) as reader:
        starts: dict[tuple[str | None, str, int], ActivityStarted] = {}
        for envelope in reader.envelopes(kinds=["activity_started", "activity_finished"]):
            match envelope.message:
                case ActivityStarted(activity=activities.SCRIPT) as started:
                    starts[envelope.cause, envelope.sender, started.ordinal] = started
                case ActivityFinished(activity=activities.SCRIPT) as finished:
                    started = starts[envelope.cause, envelope.sender, finished.ordinal]
                    request = ScriptRun.model_validate_json(reader.artefacts.read_now(started.request_ref))
                    before = ScriptRan.model_validate_json(reader.artefacts.read_now(finished.result_ref))
                    if before.cause is Cause.ABANDONED or before.reused:
                        continue
                    after = await forward.run(request, "rerun")
                    reruns.append(Rerun(envelope.id, request.view, _score(before), _score(after)))
                case _:
                    pass
    return reruns


def _score(ran: ScriptRan) -> float | None:
    return ran.evaluation.score if ran.evaluation else None
