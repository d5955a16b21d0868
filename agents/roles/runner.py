"""The Runner, one of the Executor's two actors: runs a script on the splits of its task, in slots.

Job ──► debug run, where a run may take long ──► one run per split, until decided ──► Trial
            │                                         │
            └─────────────────────────────────────────┴──► RepairCalled, while attempts are left

A trial is compared on every split that it runs: where its trace's best was run on fewer, as it was accepted early, that
one is run on them too, and a SolutionCompleted with its new figures goes ahead of the Trial.

With lookahead a trace has several running steps and as many runners; each takes the steps of its lane.
"""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import NamedTuple

from gome.agents.method.racing import Stop, split_order, stop_after
from gome.agents.protocol.messages import (
    Diagnosis,
    Job,
    RepairCalled,
    SolutionCompleted,
    TraceRestarted,
    Trial,
)
from gome.agents.roles.role import Role, place
from gome.agents.scripts.completion import Completion
from gome.agents.scripts.execution import BUDGET_SPENT
from gome.agents.scripts.joined_splits import Assembled
from gome.agents.scripts.script_run import Forward, Heat, ScriptRan, ScriptRun, run_script
from gome.agents.scripts.split_runs import SplitRuns, run_splits
from gome.agents.scripts.trials import Phase, trial_of, view_of, why_it_failed
from gome.agents.state.deadline import Ending
from gome.agents.state.hints import Hints
from gome.agents.state.trace import Best
from gome.agents.tuning.parameter_search import Search, search
from gome.bus.actors.actor import Context
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.executors.launch import Cause
from gome.scenarios.evaluation.scoring import merge
from gome.scenarios.evaluation.views import split_of
from gome.scenarios.evidence import Evaluation

__all__ = ["Runner"]

_LONG = 20.0
"""Run time of the trace's best, in seconds, from which a changed script is run on a sample first."""
_LARGE = 1_000_000
"""Number of fields, counting each word of a text, from which a trace's first script is run on a sample first."""


class _Rival(NamedTuple):
    """The solution that a trial must beat."""

    script_ref: str
    evaluation: Evaluation


class Runner(Role):
    """Turns a job into a trial."""

    handles = frozenset({"job"})
    notes = frozenset(
        {
            *("run_opened", "session_opened", "deadline_reached", "finish_requested", "hint_given"),
            *("diagnosis", "solution_completed", "trace_restarted"),
        }
    )

    def __init__(
        self, trace: int, forward: Forward, artefacts: Artefacts, completion: Completion, lane: int = 0, lanes: int = 1
    ) -> None:
        super().__init__("runner", trace, artefacts)
        if lanes > 1:
            self.name = f"{self.name}.{lane}"
        self.lane, self.lanes = lane, lanes
        self.forward = forward
        self.completion = completion
        self.ending = Ending()
        self.hints = Hints()
        self.best: Best | None = None
        self.full_failures: dict[int, int] = {}
        self.debugged: dict[int, float] = {}

    def remember(self, envelope: Envelope) -> None:
        """Keep whether the run comes to its end, the user's hints, the trace's best, and the steps' failures."""
        self.hints.heard(envelope)
        self.ending.heard(envelope.message)
        match envelope.message:
            case RepairCalled() as repair:
                step = place(envelope)[1]
                self.full_failures[step] = self.full_failures.get(step, 0) + (repair.phase == "full")
                self.debugged[step] = self.debugged.get(step, 0.0) + repair.seconds * (repair.phase == "debug")
            case Diagnosis() as diagnosis:
                self.full_failures.pop(place(envelope)[1], None)
                self.debugged.pop(place(envelope)[1], None)
                if diagnosis.accepted:
                    self.best = Best.of(diagnosis)
            case TraceRestarted() as restart:
                self.best = Best.after(restart)
            case SolutionCompleted() as message if self.best is not None:
                self.best = self.best.completed(message)
            case _:
                pass

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Run the job; send its trial, or a call for a repair where a run failed."""
        job = envelope.message
        if not isinstance(job, Job):
            raise TypeError(f"a runner handles jobs, not {envelope.kind}")
        trace, step = place(envelope)
        if step % self.lanes != self.lane:
            return []
        if self.ending.why:
            ran = ScriptRan(cause=Cause.REFUSED, words=f"not run: {self.ending.why}")
            return [Draft(trial_of(job, "check", SplitRuns((ran,), None), None, late=True), trace, step)]
        if self.hints.avoided and (refused := self.hints.refuses(await self.artefacts.text(job.script_ref))):
            ran = ScriptRan(cause=Cause.REFUSED, words=refused[0])
            return [self._failed(job, "check", SplitRuns((ran,), None), trace, step, hints=refused[1])]
        if job.searches and self.best is not None:
            return [Draft(each, trace, step) for each in await self._searched(job, self.best, step, context)]
        sampled = self._wants_sample()
        if sampled:
            ran = await self._run(job.script_ref, context, "debug")
            if not ran.good:
                return [self._failed(job, "debug", SplitRuns((ran,), None), trace, step)]
        rival = _Rival(self.best.script_ref, self.best.evaluation) if self.best else None
        if rival and self.hints.avoided and self.hints.refuses(await self.artefacts.text(rival.script_ref)):
            rival = None  # what is to be avoided need not be beaten
        runs = await self._race(job, step, rival, context)
        if not runs.good:
            return [self._failed(job, "full", runs, trace, step, sampled=sampled)]
        trial = trial_of(job, "full", runs, await self._assembled(runs, context))
        completed = [await self._completed(rival, runs, context)] if rival and runs.rival else []
        return [Draft(message, trace, step) for message in (*completed, trial)]

    def _wants_sample(self) -> bool:
        """Whether to run on a small sample first: as the scenario says, or where a run may take long. [C]"""
        asked = self.scenario.executors.debug
        if asked != "auto" or self.opened.task.split.kind == "own":
            return asked is True and self.opened.task.split.kind != "own"
        if self.best is not None and not self.lockstep:
            return self.best.seconds >= _LONG
        profile = self.opened.profile
        return profile.images is not None or profile.rows * sum(each.words or 1 for each in profile.columns) >= _LARGE

    @property
    def _views(self) -> Sequence[str]:
        """The views of a trial."""
        folds = self.scenario.method.folds
        return self.opened.splits[:folds] if isinstance(folds, int) else self.opened.splits

    async def _race(self, job: Job, step: int, rival: _Rival | None, context: Context) -> SplitRuns:
        """Run the trial, and its rival on splits that this one was not run on."""
        best = rival.evaluation if rival else None
        views = split_order(self._views, step, best, self.opened.task.split)
        beside, beyond = None, frozenset[str]()
        if rival is not None and rival.evaluation.partial:
            beside = partial(self._run, rival.script_ref, context)
            beyond = frozenset(view for view in views if split_of(view) not in rival.evaluation.splits)
        run = partial(self._run, job.script_ref, context)
        return await run_splits(views, run, partial(self._stops, job, best), beside, beyond)

    def _stops(
        self, job: Job, best: Evaluation | None, runs: Sequence[ScriptRan], others: Sequence[ScriptRan]
    ) -> Stop | None:
        """Whether the trial stops after these good `runs`; `best` and `others` are the figures that it must beat."""
        method, task = self.scenario.method, self.opened.task
        if not (self.optimizer.judges if method.racing.enabled is None else method.racing.enabled):
            return None
        evaluations = [run.evaluation for run in runs if run.evaluation is not None]
        if best is not None and others:
            best = self._extended(best, others)
        longest = self.timed(max(run.seconds for run in runs))
        # Without lockstep, the Completer runs near misses on the other splits when slots are idle.
        spared = method.finish.near_misses if self.lockstep and self.scenario.members > 1 else None
        planned, unlike = len(self._views), job.unlike
        return stop_after(
            evaluations, planned, best, task.split, task.direction, method, longest, spared, unlike=unlike
        )

    def _extended(self, best: Evaluation | None, others: Sequence[ScriptRan]) -> Evaluation:
        """The evaluation of a rival, if it has one, with those of its later runs."""
        found = [*([best] if best else []), *(run.evaluation for run in others if run.evaluation is not None)]
        return merge(found, self.opened.task.split, best.planned if best else len(self._views))

    async def _completed(self, rival: _Rival, runs: SplitRuns, context: Context) -> SolutionCompleted:
        """The rival on all splits that it has now been run on; the outcomes of its earlier runs are known."""
        run, found = partial(self._run, rival.script_ref, context), {view_of(each): each for each in runs.rival}
        for view in self._views:
            if split_of(view) in rival.evaluation.splits:
                found[view] = await run(view)
        good = [found[view] for view in self._views if view in found and found[view].good]
        return await self.completion.of(rival.script_ref, good, rival.evaluation.planned, self.rows_analysed, context)

    async def _assembled(self, runs: SplitRuns, context: Context) -> Assembled:
        """Combine the runs of a trial, as a recorded activity."""
        known = {view_of(run): run for run in runs.runs}
        in_order = [known[view] for view in self._views if view in known]
        return await self.completion.assembled(in_order, len(self._views), context, "assembly")

    async def _searched(self, job: Job, best: Best, step: int, context: Context) -> list[SolutionCompleted | Trial]:
        """The best setting of the constants that the trace's best declares; that script itself where none was found.

        The best is run on all splits first, so that all settings are compared with the same figures.
        """
        base = await run_splits(self._views, partial(self._run, job.script_ref, context), lambda *_: None)
        if not base.good:
            return [trial_of(job, "full", base, None)]
        sent: list[SolutionCompleted | Trial] = []
        whole = self._extended(None, base.runs)
        if best.evaluation.partial and best.script_ref == job.script_ref:
            planned, rows = best.evaluation.planned, self.rows_analysed
            sent.append(await self.completion.of(best.script_ref, base.runs, planned, rows, context))
        asked = Search(
            script=await self.artefacts.text(job.script_ref),
            base=whole,
            task=self.opened.task,
            settings=self.scenario.method.tuning,
            planned=len(self._views),
            seed=self.seed(self.trace or 0, step, "tune"),
        )

        async def race(script_ref: str, beat: Evaluation) -> SplitRuns:
            tried = job.model_copy(update={"script_ref": script_ref})
            return await self._race(tried, step, _Rival(script_ref, beat), context)

        found = await search(asked, race, _cut_short, context, self.artefacts)
        job = job.model_copy(update={"script_ref": found.script_ref or job.script_ref})
        runs = found.runs or base
        trial = trial_of(job, "full", runs, await self._assembled(runs, context))
        return [*sent, trial.model_copy(update={"searched": found.searched})]

    def _run(
        self, script_ref: str, context: Context, view: str, place: int = 0, heat: Heat | None = None
    ) -> Awaitable[ScriptRan]:
        timeout = self.scenario.executors.timeout
        seconds = timeout.debug if view == "debug" else timeout.full
        request = ScriptRun(script_ref=script_ref, view=view, seed=self.scenario.seed, seconds=seconds)
        label = "debug run" if view == "debug" else f"run {self._views.index(view) + 1}/{len(self._views)}, {view}"
        return run_script(self.forward, request, self.name, context, label, turn=place + 1, heat=heat, place=place)

    def _failed(
        self,
        job: Job,
        phase: Phase,
        runs: SplitRuns,
        trace: int,
        step: int,
        *,
        sampled: bool = False,
        hints: tuple[str, ...] = (),
    ) -> Draft:
        """Call for a repair while attempts and time are left (default: ten, three full runs), else a failed trial. [C]

        `sampled` says that a debug run had ended well before; `hints` are those by which the script was refused.
        """
        settings, ran = self.scenario.executors, runs.last
        phase = "check" if ran.cause is Cause.REFUSED else phase
        tries = self.full_failures.get(step, 0) + (phase == "full")
        debugged = self.debugged.get(step, 0.0) + ran.seconds * (phase == "debug")
        late = debugged >= settings.repair_time * settings.timeout.debug and not self.lockstep
        if job.attempt > settings.repairs or tries >= settings.full_tries or late:
            return Draft(trial_of(job, phase, runs, None), trace, step)
        repair = RepairCalled(
            script_ref=job.script_ref,
            attempt=job.attempt,
            phase=phase,
            cause=ran.cause,
            words=why_it_failed(ran),
            output_ref=ran.output_ref,
            evaluation=ran.evaluation,
            seconds=ran.seconds,
            cpu_seconds=ran.cpu_seconds,
            sampled=sampled,
            hints=hints,
        )
        return Draft(repair, trace, step)


def _cut_short(runs: SplitRuns) -> bool:
    """Whether the run's time was over before a script's own limit."""
    return runs.last.words.endswith(BUDGET_SPENT)
