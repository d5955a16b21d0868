"""The Prober: what a new best solution rests on, found out by runs on other data when slots have nothing else to do.

Diagnosis (accepted) ──► runs on probe views, after everything else ──► SolutionProbed

There are no probes in lockstep unless they are asked for (`method.probes`), none where a trace could use the slot, and
none for a reasoner that does not read them.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from gome.agents.protocol.messages import Diagnosis, SolutionProbed
from gome.agents.protocol.types import Record
from gome.agents.roles.idle_work import IdleRole
from gome.agents.roles.role import place
from gome.agents.scripts.script_run import LAST, Forward, ScriptRan, ScriptRun, run_script
from gome.bus.actors.actor import ActivityResult, Context
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.diagnostics.record import Probes
from gome.scenarios.evaluation.probe_names import HALF, PROBE

__all__ = ["Probed", "Prober", "Probing"]


class Probing(Record):
    """The predictions of a solution for the probe view."""

    predictions_ref: str


class Probed(ActivityResult):
    """What they say."""

    probes: Probes


class Prober(IdleRole):
    """Probes what its trace accepted. One a trace, so that a long probe delays no trial."""

    def __init__(
        self, trace: int, forward: Forward, artefacts: Artefacts, reader: Callable[[Probing], Awaitable[Probed]]
    ) -> None:
        super().__init__("prober", trace, forward, artefacts)
        self.reader = reader

    async def handle(self, envelope: Envelope, context: Context) -> Sequence[Draft]:
        """Probe a new best."""
        trace, step = place(envelope)
        diagnosis = envelope.message
        if not isinstance(diagnosis, Diagnosis) or not diagnosis.accepted or not self._wanted():
            return []
        if diagnosis.script_ref is None or diagnosis.evaluation is None:
            return []
        run = partial(self._run, diagnosis.script_ref, context)
        first, seed = self.opened.splits[0], self.scenario.seed
        probes = await self._read(await run(PROBE, seed), context)
        half, reseeded = await run(HALF, seed), await run(first, seed + 1)
        whole = dict(zip(diagnosis.evaluation.splits, diagnosis.evaluation.folds, strict=True))
        found = {"whole": whole.get(int(first.rpartition("-")[2])), "half": _score(half), "reseeded": _score(reseeded)}
        probed = SolutionProbed(script_ref=diagnosis.script_ref, probes=probes.model_copy(update=found))
        return [Draft(probed, trace, step)]

    def _wanted(self) -> bool:
        """Whether solutions are probed here: as set, or where there are more slots than traces and a model reads it."""
        asked = self.scenario.method.probes
        if not self.opened.probed or asked != "auto":
            return self.opened.probed and asked is True
        reader = self.scenario.backends[self.scenario.roles.of("diagnoser")[0]]
        return not self.lockstep and self.slots > self.scenario.traces_at_once and reader.kind != "expert"

    async def _read(self, ran: ScriptRan, context: Context) -> Probes:
        if not ran.good or ran.predictions_ref is None:
            return Probes()
        request = Probing(predictions_ref=ran.predictions_ref)
        read = await context.perform("probe", request, Probed, partial(self.reader, request), label="probe")
        return read.probes

    async def _run(self, script_ref: str, context: Context, view: str, seed: int) -> ScriptRan:
        seconds = self.scenario.executors.timeout.full
        request = ScriptRun(script_ref=script_ref, view=view, seed=seed, seconds=seconds)
        label = f"probing, {view}"
        return await run_script(self.forward, request, self.name, context, label, turn=LAST)


def _score(ran: ScriptRan) -> float | None:
    return ran.evaluation.score if ran.good and ran.evaluation is not None else None
