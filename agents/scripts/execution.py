"""The forward pass: check a script, run it in a slot on one view of the data, and score its predictions.

`script_run` defines request and result; a trial consists of several such runs (`split_runs`).
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import anyio.to_thread

from gome.agents.redaction import redact
from gome.agents.scripts.known_runs import KnownRuns
from gome.agents.scripts.predictions import packed
from gome.agents.scripts.script_run import FINISH, LAST, ScriptRan, ScriptRun
from gome.agents.scripts.tracebacks import last_error
from gome.agents.state.deadline import Countdown
from gome.bus.store.artefacts import Artefacts
from gome.errors import GomeError
from gome.executors.launch import DATA, Cause, Executor, Launch, Limits, Outcome, Slot
from gome.executors.precheck import check, why_refused
from gome.executors.processes.collect import discard
from gome.executors.resources.slots import SlotPool
from gome.scenarios.evaluation.harness import FILES, Harness
from gome.scenarios.evaluation.views import learns_from_all
from gome.scenarios.evidence import Evaluation

__all__ = ["BUDGET_SPENT", "ForwardPass"]

BUDGET_SPENT = "no more was left of the run's budget of time"
"""Appended to the outcome of a script that the run's time budget ended before the script's own limit."""

_BY_TIME = frozenset({Cause.TIMEOUT, Cause.PROJECTED})
_LEAST = 1.0
"""Seconds that a script gets even if no time is left, so that it can be ended in order."""


@dataclass(frozen=True, slots=True)
class ForwardPass:
    """Runs scripts with an executor, slots, the task's harness, and a working folder.

    `secrets` are removed from everything that a script prints or writes before it is stored or shown.
    """

    executor: Executor
    slots: SlotPool
    harness: Harness
    artefacts: Artefacts
    folder: Path
    limits: Limits
    importable: frozenset[str]
    known: KnownRuns
    python: Path | None = None
    assets: Mapping[Path, Path] = field(default_factory=dict)
    countdown: Countdown = field(default_factory=Countdown)
    secrets: frozenset[str] = frozenset()
    coming: list["_Coming"] = field(default_factory=list)
    finishing: anyio.Event = field(default_factory=anyio.Event)

    async def run(
        self,
        request: ScriptRun,
        owner: str,
        *,
        turn: int = 1,
        over: anyio.Event | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ScriptRan:
        """Run a script and score its predictions, or return the known outcome of the same request.

        See `Forward.run` for the arguments. A slot is occupied only while the script runs. Safe for concurrent calls:
        equal requests share one run. Raises Outage, SandboxError, and TaskError where the view cannot be written.
        """
        if turn == FINISH:
            self.finishing.set()
        elif turn >= LAST:
            over = self.finishing
        return await self.known.get(request, partial(self._run, request, owner, turn, over, on_line), over)

    async def _run(
        self,
        request: ScriptRun,
        owner: str,
        turn: int,
        over: anyio.Event | None,
        on_line: Callable[[str], None] | None,
    ) -> ScriptRan:
        place = self.folder / uuid4().hex  # scripts may see this path, so it must carry no information
        try:
            async with self._in_line(owner, turn):
                source = await self.artefacts.text(request.script_ref)
                refusals = check(source, self.importable)
                if refusals:
                    return ScriptRan(cause=Cause.REFUSED, words=why_refused(refusals))
                data = await anyio.to_thread.run_sync(self.harness.data, request.view)
                workspace = await anyio.to_thread.run_sync(_fresh, place, source)
            if over is not None and over.is_set():
                return ScriptRan.abandoned()
            held = await self._hold(self._launch(request, data, workspace), owner, turn, over, on_line)
            ran = await self._judge(request, held) if held.outcome else ScriptRan.abandoned(held.held, held.slot)
            return ran.model_copy(update={"meter": ran.meter | held.times})
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_clear, place)

    @asynccontextmanager
    async def _in_line(self, owner: str, turn: int) -> AsyncIterator[None]:
        """Context in which a run is prepared; on leaving, waits until the owner's runs of earlier turns are ready.

        So the owner's runs ask for slots in the order of their turns, however long each takes to prepare.
        """
        mine = _Coming(owner, turn)
        self.coming.append(mine)
        try:
            yield
            while before := [each for each in self.coming if each.owner == owner and each.turn < turn]:
                await before[0].ready.wait()
        finally:
            self.coming.remove(mine)
            mine.ready.set()

    async def _hold(
        self,
        launch: Launch,
        owner: str,
        turn: int,
        over: anyio.Event | None,
        on_line: Callable[[str], None] | None,
    ) -> "_Held":
        """Wait for a slot and run the launch in it; abandon it as soon as `over` is set."""
        asked = taken = anyio.current_time()
        slot: Slot | None = None
        outcome: Outcome | None = None
        failure: GomeError | None = None
        async with anyio.create_task_group() as group:
            if over is not None:
                group.start_soon(_cancel_once, over, group.cancel_scope)
            try:
                async with self.slots.take(owner=owner, turn=turn) as slot:
                    taken = anyio.current_time()
                    wall = max(_LEAST, min(launch.limits.wall, self.countdown.left(finishing=turn == FINISH)))
                    limited = launch.model_copy(update={"limits": launch.limits.model_copy(update={"wall": wall})})
                    outcome = await self.executor.run(limited, slot, self._blotting(on_line))
                    if outcome.cause in _BY_TIME and wall < launch.limits.wall:
                        outcome = outcome.model_copy(update={"words": f"{outcome.words}: {BUDGET_SPENT}"})
            except GomeError as error:  # raised below, outside the task group, which would wrap it in an ExceptionGroup
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        ended = anyio.current_time()
        return _Held(outcome, slot.index if slot else None, taken - asked, ended - taken)

    def _launch(self, request: ScriptRun, data: Path, workspace: Path) -> Launch:
        return Launch(
            script=workspace / "solution.py",
            arguments=("--data", str(DATA), "--out", "out", "--seed", str(request.seed)),
            workspace=workspace,
            collected=workspace.with_name("collected"),
            read_only={data: DATA, **self.assets},
            limits=self.limits.model_copy(update={"wall": request.seconds}),
            artefacts=FILES,
            python=self.python,
        )

    async def _judge(self, request: ScriptRun, held: "_Held") -> ScriptRan:
        outcome = held.outcome
        if outcome is None:
            raise ValueError("an abandoned run cannot be scored")
        printed = outcome.stdout + (f"\n--- stderr\n{outcome.stderr}" if outcome.stderr else "")
        output = redact(printed, self.secrets)
        error = last_error(outcome.stderr) if outcome.cause is Cause.EXIT else ""
        ran = ScriptRan(
            cause=outcome.cause,
            words=redact(f"{outcome.words}: {error}" if error else outcome.words, self.secrets),
            seconds=outcome.seconds,
            cpu_seconds=outcome.cpu_seconds,
            peak_memory=outcome.peak_memory,
            slot=held.slot,
            output_ref=await self.artefacts.put(output) if output else None,
            meter={"scripts": 1.0, "script_seconds": outcome.seconds},
        )
        if not outcome.ok:
            return ran
        judged = await anyio.to_thread.run_sync(self.harness.judge, request.view, outcome.artefacts)
        evaluation = Evaluation.model_validate_json(redact(judged.evaluation.model_dump_json(), self.secrets))
        if judged.predictions is None:
            return ran.model_copy(update={"evaluation": evaluation})
        kept: dict[str, Any] = {
            "evaluation": evaluation,
            "predictions_ref": await self.artefacts.put(packed(judged.predictions)),
        }
        if learns_from_all(request.view):
            table = await anyio.to_thread.run_sync(self.harness.submission, judged.predictions)
            kept["submission_ref"] = await self.artefacts.put(table)
        return ran.model_copy(update=kept)

    def _blotting(self, on_line: Callable[[str], None] | None) -> Callable[[str], None] | None:
        """Wrap the listener so that secrets are removed from each line."""
        return None if on_line is None else lambda line: on_line(redact(line, self.secrets))


@dataclass(eq=False, slots=True)
class _Coming:
    """A run that is being prepared and has not asked for a slot yet."""

    owner: str
    turn: int
    ready: anyio.Event = field(default_factory=anyio.Event)


@dataclass(frozen=True, slots=True)
class _Held:
    """Outcome of a launch, its slot, and the seconds it waited for the slot and occupied it.

    `outcome` is None if the launch was abandoned; `slot` is None if that happened before it got one.
    """

    outcome: Outcome | None
    slot: int | None
    waited: float
    held: float

    @property
    def times(self) -> dict[str, float]:
        """Meter entries from which viewers draw the lanes of slots, in seconds since the activity's start."""
        if self.slot is None:
            return {}
        return {"slot": float(self.slot), "waited_seconds": self.waited, "held_seconds": self.held}


async def _cancel_once(over: anyio.Event, scope: anyio.CancelScope) -> None:
    await over.wait()
    scope.cancel()


def _fresh(place: Path, source: str) -> Path:
    """Create an empty workspace with the script in it; remove what a killed process may have left there."""
    _clear(place)
    workspace = place / "workspace"
    workspace.mkdir(parents=True)
    (workspace / "solution.py").write_text(source, encoding="utf-8")
    (workspace / "solution.py").chmod(0o644)  # whatever the umask, scripts' users read it
    return workspace


def _clear(place: Path) -> None:
    """Remove a workspace, even if its script left deep folders or removed permissions."""
    discard(place)
