"""What the steps have come to that each backend answered, where one is chosen among several. State of the Director."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gome.agents.method.bandit import ranked
from gome.agents.method.next_kind import rewarded
from gome.agents.protocol.activities import PASSED, QUESTION
from gome.agents.protocol.backend_choice import BackendChoice, BackendRecord, Choices
from gome.agents.protocol.messages import Diagnosis, StepOpened
from gome.agents.protocol.run_messages import RunOpened, SessionOpened
from gome.agents.state.call_budget import amount
from gome.bus.events import ActivityFinished
from gome.bus.message import Envelope
from gome.scenarios.config.fields import CHOOSERS, Chooser
from gome.scenarios.config.scenario import Roles

__all__ = ["BackendRecords"]

Place = tuple[int, int]
"""A step of a trace."""
_ACTORS: dict[str, Chooser] = {"proposer": "proposer", "writer": "executor"}
"""Who asks the questions of a role."""


@dataclass(slots=True)
class _Running:
    """A step that has no diagnosis: what was chosen for each role, who was asked, and all calls' cost.

    The last of those who were asked has answered.
    """

    choices: dict[Chooser, BackendChoice]
    asked: dict[Chooser, list[str]] = field(default_factory=dict)
    usd: float = 0.0


@dataclass(slots=True)
class BackendRecords:
    """Counts the steps of each backend that may be chosen; a first solution counts where it fails.

    An accepted first solution is compared with nothing, so nobody gains by it.
    """

    roles: Roles | None = None
    found: dict[tuple[Chooser, str], BackendRecord] = field(default_factory=dict)
    running: dict[Place, _Running] = field(default_factory=dict)

    def heard(self, envelope: Envelope) -> None:
        """Apply a message of the run or of a step."""
        match envelope.message:
            case RunOpened() as opened if "roles" in opened.scenario:
                self.roles = Roles.model_validate(opened.scenario["roles"])
            case SessionOpened() as session if session.roles is not None:
                self.roles = Roles.model_validate(session.roles)
            case _ if envelope.trace is not None and envelope.step is not None:
                self._in_step(envelope, (envelope.trace, envelope.step))
            case _:
                pass

    def _in_step(self, envelope: Envelope, place: Place) -> None:
        match envelope.message:
            case StepOpened() as opened if opened.backends:
                self.running[place] = _Running({each.role: each for each in opened.backends})
            case ActivityFinished() as activity if place in self.running:
                self._paid(self.running[place], envelope.sender, activity)
            case Diagnosis() as diagnosis if place in self.running:
                self._ended(self.running.pop(place), diagnosis)
            case _:
                pass

    def _paid(self, step: _Running, sender: str, activity: ActivityFinished) -> None:
        """Add what a call cost, and who was asked: those passed in vain, and the one after them."""
        step.usd += amount(activity.meter, "usd")
        role = _ACTORS.get(sender.partition("-")[0])
        if role in step.choices and activity.activity == QUESTION and self.roles is not None:
            order = step.choices[role].order(self.roles.of(role))
            step.asked[role] = list(order[: int(activity.meter.get(PASSED, 0)) + 1])

    def _ended(self, step: _Running, diagnosis: Diagnosis) -> None:
        effect = diagnosis.effect
        if diagnosis.verdict == "unfinished" or (effect is None and diagnosis.accepted):
            return
        gain = rewarded(effect.gain, effect.standard_error, accepted=diagnosis.accepted) if effect else 0.0
        for role, asked in step.asked.items():
            for name in asked:
                before = self.found.get((role, name), BackendRecord(backend=name))
                self.found[role, name] = BackendRecord(
                    backend=name,
                    steps=before.steps + 1,
                    gain=before.gain + (gain if name == asked[-1] else 0.0),
                    usd=before.usd + step.usd,
                )

    def next(self, steps: int = 1) -> list[Choices]:
        """The choices of each of that many steps, which are opened together."""
        running = [each for step in self.running.values() for each in step.choices.values()]
        begun = [(each.role, each.records[0].backend) for each in running]
        chosen = []
        for _ in range(steps):
            choices = self._choices(begun)
            begun += [(each.role, each.records[0].backend) for each in choices]
            chosen.append(choices)
        return chosen

    def _choices(self, begun: Sequence[tuple[Chooser, str]]) -> Choices:
        choices = []
        for role in CHOOSERS:
            settings = self.roles.choice(role) if self.roles is not None else None
            if settings is None:
                continue
            records = [
                self.found.get((role, name), BackendRecord(backend=name)).model_copy(
                    update={"underway": begun.count((role, name))}
                )
                for name in settings.among
            ]
            choices.append(BackendChoice(role=role, records=ranked(records, settings)))
        return tuple(choices)
