"""The forward pass: a script is checked, run in a slot, its files are collected, its predictions judged.

It is one recorded activity: `ScriptRun` says what is asked, without clock or absolute path, and `ScriptRan` what
came of it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread

from agents.clock import Countdown
from agents.ideas import Record
from agents.redaction import REDACTED, redact
from bus.actor import ActivityResult, Context
from bus.artefacts import Artefacts
from executors.collect import discard
from executors.launch import DATA, Cause, Executor, Launch, Limits, Outcome
from executors.slots import SlotPool
from executors.static import check
from scenarios.evidence import Evaluation
from scenarios.harness import FILES, Harness
from scenarios.views import ViewName

__all__ = ["BUDGET_SPENT", "Forward", "ForwardPass", "ScriptRan", "ScriptRun", "run_script"]

BUDGET_SPENT = "no more was left of the run's budget of time"
"""What is said of a script that was ended sooner than its own limit."""

_PROGRESS = re.compile(r"^\s*(split|epoch|loss)\b")
_BY_TIME = frozenset({Cause.TIMEOUT, Cause.PROJECTED})
_LEAST = 1.0
"""Seconds that a script is given even where none is left: enough to be ended in order."""


class ScriptRun(Record):
    """One run of a script: on which view of the data, with which seed, within how many seconds."""

    script_ref: str
    view: ViewName
    seed: int
    seconds: float


class ScriptRan(ActivityResult):
    """How it ended and what was measured; `evaluation` is None where it did not end well."""

    cause: Cause
    words: str
    seconds: float = 0.0
    peak_memory: int = 0
    slot: int | None = None
    output_ref: str | None = None
    submission_ref: str | None = None
    oof_ref: str | None = None
    evaluation: Evaluation | None = None

    @property
    def good(self) -> bool:
        """Whether it ended well and its predictions are as asked."""
        return self.cause is Cause.OK and self.evaluation is not None and self.evaluation.valid


class Forward(Protocol):
    """Whatever runs scripts for the Runner and the Finisher."""

    async def run(
        self, request: ScriptRun, owner: str, *, urgent: bool = False, on_line: Callable[[str], None] | None = None
    ) -> ScriptRan:
        """Run a script for `owner`; `urgent` goes before all who wait; `on_line` hears each line as it is printed."""


async def run_script(
    forward: Forward, request: ScriptRun, owner: str, context: Context, label: str, *, urgent: bool = False
) -> ScriptRan:
    """One run as a recorded activity of that label; the progress that the script announces goes to telemetry."""

    def hear(line: str) -> None:
        if _PROGRESS.match(line):
            context.tell("progress", line=line.strip()[:80], view=request.view, label=label)

    call = partial(forward.run, request, owner, urgent=urgent, on_line=hear)
    return await context.perform("script", request, ScriptRan, call, label=label)


@dataclass(frozen=True, slots=True)
class ForwardPass:
    """What it takes to run a script: an executor, slots, the task's harness, and a folder to work in.

    `secrets` are blotted out of all that a script printed or wrote, before anything of it is kept or shown.
    """

    executor: Executor
    slots: SlotPool
    harness: Harness
    artefacts: Artefacts
    folder: Path
    limits: Limits
    importable: frozenset[str]
    python: Path | None = None
    assets: Mapping[Path, Path] = field(default_factory=dict)
    countdown: Countdown = field(default_factory=Countdown)
    secrets: frozenset[str] = frozenset()

    async def run(
        self, request: ScriptRun, owner: str, *, urgent: bool = False, on_line: Callable[[str], None] | None = None
    ) -> ScriptRan:
        """Run it. The slot is held while the script runs and at no other time. Raises Outage, SandboxError."""
        source = await self.artefacts.text(request.script_ref)
        refusals = check(source, self.importable)
        if refusals:
            words = "; ".join(f"line {refusal.line}: {refusal.message}" for refusal in refusals)
            return ScriptRan(cause=Cause.REFUSED, words=f"refused before it ran: {words}")
        place = self.folder / f"{owner}-{request.view}-{request.seed}"
        workspace = await anyio.to_thread.run_sync(_fresh, place, source)
        try:
            asked = anyio.current_time()
            async with self.slots.take(owner=owner, urgent=urgent) as slot:
                taken = anyio.current_time()
                launch = self._launch(request, workspace)
                outcome = await self.executor.run(launch, slot, self._blotting(on_line))
                held = anyio.current_time() - taken
            if outcome.cause in _BY_TIME and launch.limits.wall < request.seconds:
                outcome = outcome.model_copy(update={"words": f"{outcome.words}: {BUDGET_SPENT}"})
            ran = await self._judge(request, source, outcome, slot.index)
            # When the slot was held, counted from the activity's start: viewers draw the lanes of slots from it.
            times = {"slot": float(slot.index), "waited_seconds": taken - asked, "held_seconds": held}
            return ran.model_copy(update={"meter": ran.meter | times})
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_clear, place)

    def _launch(self, request: ScriptRun, workspace: Path) -> Launch:
        arguments = ["--data", str(DATA), "--out", "out", "--seed", str(request.seed)]
        if request.view == "debug":
            arguments.append("--debug")
        left = self.countdown.left(finishing=request.view == "holdout")
        return Launch(
            script=workspace / "solution.py",
            arguments=tuple(arguments),
            workspace=workspace,
            collected=workspace.with_name("collected"),
            read_only={self.harness.data(request.view): DATA, **self.assets},
            limits=self.limits.model_copy(update={"wall": max(_LEAST, min(request.seconds, left))}),
            artefacts=FILES,
            python=self.python,
        )

    async def _judge(self, request: ScriptRun, source: str, outcome: Outcome, slot: int) -> ScriptRan:
        printed = outcome.stdout + (f"\n--- stderr\n{outcome.stderr}" if outcome.stderr else "")
        output = redact(printed, self.secrets)
        ran = ScriptRan(
            cause=outcome.cause,
            words=redact(outcome.words, self.secrets),
            seconds=outcome.seconds,
            peak_memory=outcome.peak_memory,
            slot=slot,
            output_ref=await self.artefacts.put(output) if output else None,
            meter={"scripts": 1.0, "script_seconds": outcome.seconds},
        )
        if not outcome.ok:
            return ran
        evaluation = await anyio.to_thread.run_sync(self.harness.evaluate, request.view, outcome.artefacts, source)
        evaluation = Evaluation.model_validate_json(redact(evaluation.model_dump_json(), self.secrets))
        refs = {name: await self._keep(path) for name, path in outcome.artefacts.items()}
        return ran.model_copy(
            update={
                "evaluation": evaluation,
                "submission_ref": refs.get("submission.csv"),
                "oof_ref": refs.get("oof.csv"),
            }
        )

    async def _keep(self, path: Path) -> str:
        content = await anyio.Path(path).read_bytes()
        for secret in self.secrets:
            content = content.replace(secret.encode(), REDACTED.encode())
        return await self.artefacts.put(content)

    def _blotting(self, on_line: Callable[[str], None] | None) -> Callable[[str], None] | None:
        """The same listener, which hears no secret."""
        return None if on_line is None else lambda line: on_line(redact(line, self.secrets))


def _fresh(place: Path, source: str) -> Path:
    """An empty workspace with the script in it; what a killed process left there is removed."""
    _clear(place)
    workspace = place / "workspace"
    workspace.mkdir(parents=True)
    (workspace / "solution.py").write_text(source, encoding="utf-8")
    return workspace


def _clear(place: Path) -> None:
    """Remove a workspace, however deep or closed its script left it."""
    discard(place)
