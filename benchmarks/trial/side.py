"""One side of `benchmarks.trial`: judges plans of the expert, each against its parent, as a run would.

It is run by its path with the tree that it measures: the current one, or that of an older commit, for which `compare`
adds modules that map the current names to the old ones. That tree's Runner decides what is run of a script, and its
harness scores it. Without given plans, a trace improves its solution: it tries the expert's best untried move, and a
trial that is better than its parent by more than one standard error becomes the parent of the next. With the plans of
the other side, it judges the same pairs. Every trial is recorded as a line of JSON; recorded trials are not repeated.
"""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from pydantic import BaseModel

from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.first_solution import family_order, starting_plan
from gome.agents.backends.expert.moves.catalogue import plays
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.proposal import hypothesis_of
from gome.agents.backends.expert.situation import Scene
from gome.agents.method.validation import compare
from gome.agents.protocol.messages import Job
from gome.agents.protocol.run_messages import RunOpened
from gome.agents.protocol.types import Hypothesis, TrialNote
from gome.agents.roles.runner import Runner
from gome.agents.runtime.resources import Resources, open_resources
from gome.agents.state.trace import Best
from gome.bus.message import Envelope, Message
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.evidence import Evaluation

RACES = "splits" in RunOpened.model_fields
"""Whether this tree runs a script on single splits; in the old tree a script runs all folds itself."""


class Record(BaseModel):
    """One trial. `runs` are (view, seconds of the script, seconds of the slot, cause of its end).

    `verdict` is `better`, `near-tie` or `worse` (than the parent), `stopped` (early), `first`, or `failed`.
    """

    trace: int
    number: int
    parent: int | None
    plan: dict[str, Any]
    hypothesis: dict[str, Any] | None
    runs: list[tuple[str, float, float, str]]
    seconds: float
    verdict: str
    words: str
    gain: float | None
    error: float | None
    script_ref: str
    evaluation: dict[str, Any] | None


@dataclass
class Measured:
    """A forward pass that records the times of its runs."""

    inner: Any
    runs: list[tuple[str, float, float, str]] = field(default_factory=list)

    async def run(self, request: Any, owner: str, **how: Any) -> Any:
        ran = await self.inner.run(request, owner, **how)
        self.runs.append((request.view, ran.seconds, ran.meter.get("held_seconds", 0.0), ran.cause.value))
        return ran


@dataclass
class Unrecorded:
    """A handler's context that does not record side effects."""

    envelope: Envelope

    async def perform(
        self, kind: str, request: BaseModel, result: type[Any], call: Callable[[], Awaitable[Any]], label: str = ""
    ) -> Any:
        return await call()

    def tell(self, event: str, **detail: str | float | None) -> None:
        """Ignore telemetry."""


@dataclass
class Climb:
    """One trace. `others` are the other side's records of it; None if it chooses its own plans."""

    resources: Resources
    scenario: Scenario
    trace: int
    trials: int
    path: Path
    others: list[Record] | None
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        resources: Any = self.resources
        self.forward: Any = Measured(resources.forward)
        hands = {"completion": _completion(resources)} if RACES else {"examiner": resources.examine}
        self.runner: Any = Runner(self.trace, self.forward, resources.forward.artefacts, **hands)
        self.runner.apply(_envelope(_opened(self.scenario, resources), self.trace, 0))
        self.records = [each for each in read(self.path) if each.trace == self.trace]
        self.notes = [_note(each) for each in self.records if each.hypothesis]
        self.best = max((each.number for each in self.records if each.verdict in ("first", "better")), default=None)

    async def run(self) -> None:
        """Run all trials that are not recorded yet."""
        for number in range(len(self.records), self.trials):
            following = self._climbs(number) if self.others is None else self._follows(number)
            if following is None:
                return
            record = await self._trial(number, *following)
            self.records.append(record)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{record.model_dump_json()}\n")
            held = sum(run[2] for run in record.runs)
            words = f"trace {self.trace}, trial {number}: {record.verdict}, {held:.1f} s of slot time"
            print(words, file=sys.stderr, flush=True)

    def _climbs(self, number: int) -> tuple[Plan, int | None, Hypothesis | None] | None:
        """The plan to try, its parent, and the hypothesis; None where nothing is left to try."""
        brief, profile = self.resources.task.brief, self.resources.harness.profile
        start = starting_plan(brief, profile)
        if self.best is None:
            # Single families: an old tree knows no portfolio.
            first = [each for each in family_order(self.trace, profile) if each != "portfolio"][number]
            return start.model_copy(update={"models": (first,)}), None, None
        best = self.records[self.best]
        scene = Scene(
            brief,
            profile,
            Plan.model_validate(best.plan),
            Evaluation.model_validate(best.evaluation),
            max(run[1] for run in best.runs),
            self.resources.workplace,
            tuple(self.notes),
        )
        known = [_shared(each.plan) for each in self.records]
        for play in plays(scene):
            if play.key not in scene.tried and _shared(play.plan.model_dump(mode="json")) not in known:
                return play.plan, self.best, hypothesis_of(scene, play, play.move.challenge, play)
        return None

    def _follows(self, number: int) -> tuple[Plan, int | None, Hypothesis | None] | None:
        """The plan, parent and hypothesis of the other side's trial; None where it has no further trial."""
        if self.others is None or number >= len(self.others):
            return None
        other = self.others[number]
        # The old tree's self-scores have another form; nothing here reads them.
        fields = {name: value for name, value in (other.hypothesis or {}).items() if name != "scores"}
        hypothesis = Hypothesis.model_validate(fields) if fields else None
        return Plan.model_validate(_shared(other.plan)), other.parent, hypothesis

    async def _trial(self, number: int, plan: Plan, parent: int | None, hypothesis: Hypothesis | None) -> Record:
        resources, before = self.resources, None if parent is None else self.records[parent]
        script = compose(resources.task.brief, resources.harness.profile, plan)
        job = Job(script_ref=await resources.forward.artefacts.put(script), attempt=1, notes="")
        self.runner.best = _incumbent(before)
        self.forward.runs = []
        begun = time.monotonic()
        trial = await self._handle(job, number)
        seconds, runs = time.monotonic() - begun, list(self.forward.runs)
        verdict, gain, error = self._judged(trial, before)
        if verdict == "stopped" and any(each.parent == number for each in self.others or ()):
            # A stopped trial cannot be a parent in a run. Here it is one, so it is run completely; this is not counted.
            self.runner.best = None
            trial = await self._handle(job, number)
        record = Record(
            trace=self.trace,
            number=number,
            parent=parent,
            plan=plan.model_dump(mode="json"),
            hypothesis=hypothesis.model_dump(mode="json") if hypothesis else None,
            runs=runs,
            seconds=seconds,
            verdict=verdict,
            words=trial.words,
            gain=gain,
            error=error,
            script_ref=job.script_ref,
            evaluation=trial.evaluation.model_dump(mode="json") if trial.evaluation else None,
        )
        if self.others is None and verdict in ("first", "better"):
            self.best = number
        if hypothesis is not None:
            self.notes.append(_note(record))
        return record

    async def _handle(self, job: Job, number: int) -> Any:
        """The Runner's answer: a Trial, or a RepairCalled, which is not answered here."""
        envelope = _envelope(job, self.trace, number + 1)
        (draft,) = await self.runner.handle(envelope, Unrecorded(envelope))
        return draft.message

    def _judged(self, trial: Any, before: Record | None) -> tuple[str, float | None, float | None]:
        """Verdict, gain and standard error relative to the parent."""
        if trial.kind != "trial" or trial.evaluation is None or trial.evaluation.score is None:
            return "failed", None, None
        leaks = [leak for leak in trial.evaluation.leaks if getattr(leak, "severity", "") == "severe"]
        if leaks or before is None:
            return ("failed" if leaks else "first"), None, None
        parent = Evaluation.model_validate(before.evaluation)
        effect = compare(trial.evaluation, parent, self.resources.task.brief.direction, self.scenario.method.near_tie)
        if effect is None:
            return "failed", None, None
        stopped = getattr(trial, "stopped", None) in ("worse", "futile")
        return ("stopped" if stopped else effect.verdict), effect.gain, effect.standard_error


def read(path: Path) -> list[Record]:
    """The records in a file; an incomplete last line is ignored."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [Record.model_validate_json(line) for line in lines if line.endswith("\n")]


def _shared(plan: dict[str, Any]) -> dict[str, Any]:
    """The settings of a plan that both trees have: `final` (a last fit on all rows) exists in the old tree alone."""
    return {name: value for name, value in plan.items() if name != "final"}


def _incumbent(record: Record | None) -> Any:
    """A parent in the form in which this tree's Runner keeps its trace's best."""
    if record is None:
        return None
    evaluation = Evaluation.model_validate(record.evaluation)
    if not RACES:
        return evaluation
    seconds = [run[1] for run in record.runs if run[0].startswith("split") and run[3] == "ok"]
    return Best(record.script_ref, evaluation, evaluation.score or 0.0, sum(seconds) / max(1, len(seconds)))


def _note(record: Record) -> TrialNote:
    return TrialNote(
        trace=record.trace,
        step=record.number + 1,
        hypotheses=(Hypothesis.model_validate(record.hypothesis),),
        score=(record.evaluation or {}).get("score"),
        gain=record.gain,
        accepted=record.verdict == "better",
        reason="",
        observations="",
    )


def _opened(scenario: Scenario, resources: Any) -> RunOpened:
    fields: dict[str, Any] = dict.fromkeys(("version", "name", "scenario_path", "task_path", "task_digest"), "")
    fields |= {
        "scenario": scenario.model_dump(mode="json"),
        "task": resources.task.brief,
        "profile": resources.harness.profile,
    }
    fields |= {"workplace": resources.workplace, "reasoners": {}, "baseline": None}
    return RunOpened(**fields, **({"splits": resources.harness.splits} if RACES else {}))


def _completion(resources: Any) -> Any:
    """What puts the runs of a script together; the old tree has no such module."""
    from gome.agents.scripts.completion import Completion

    return Completion(resources.assemble, resources.analyse)


def _envelope(message: Message, trace: int, step: int) -> Envelope:
    return Envelope("0", 1, "trial", "writer", trace, step, None, "0", 0.0, message)


async def side(asked: dict[str, Any]) -> None:
    """Run one side. `asked` has `task`, `folder`, `scenario`, `trials` per trace, and `plans` (the other's records)."""
    scenario, folder = Scenario.model_validate(asked["scenario"]), Path(asked["folder"])
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    place = folder / "work"
    resources = await open_resources(scenario, place / "scenario.yaml", Path(asked["task"]), Artefacts(folder), place)
    print(f"warm interpreters: {resources.placement.standby}", file=sys.stderr, flush=True)
    others = read(Path(asked["plans"])) if asked["plans"] else None
    try:
        async with anyio.create_task_group() as group:
            for trace in range(scenario.teams):
                theirs = None if others is None else [each for each in others if each.trace == trace]
                climb = Climb(resources, scenario, trace, asked["trials"], folder / "records.jsonl", theirs)
                group.start_soon(climb.run)
    finally:
        warm = getattr(resources.placement.executor, "handed_over", 0)
        print(f"{warm} runs of this session were warm", file=sys.stderr, flush=True)
        await resources.aclose()


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    if not Path(measured := str(sys.modules[Runner.__module__].__file__)).is_relative_to(spec["tree"]):
        sys.exit(f"{measured} is not in {spec['tree']}, the tree to be measured")
    anyio.run(side, spec)
