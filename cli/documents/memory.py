"""The document about a run's memory: its four kinds of entries, with the evidence for and against each."""

from gome.cli.documents.base import Data

__all__ = ["Memory"]


class Trying(Data):
    """A trial of a change: its step, and its gain in standard errors."""

    step: str
    gain: float


class Reader(Data):
    """A step that was given a change. `used`: the step applied it; `verdict` and `gain` are then the step's result.

    `paid`: whether the gain was positive; null where the change was not used or not measured yet.
    """

    step: str
    used: bool
    verdict: str | None
    gain: float | None
    paid: bool | None


class Success(Data):
    """An accepted change; a first solution has no gain. `demoted`: why the change is no longer given to any step.

    `judged` says on how many splits of how many the score was measured (`2 of 5`); empty for all. `gain_on` says the
    same of the gain where it is of fewer splits than the score. Gains are of all splits known now. `supporting` and
    `contradicting` are its trials with and without a gain, including its own.
    """

    step: str
    ideas: list[str]
    gain: float | None
    gain_on: str
    standard_error: float | None
    score: float
    judged: str
    supporting: list[Trying]
    contradicting: list[Trying]
    demoted: str | None
    readers: list[Reader]
    message: str


class Failure(Data):
    """A failure of a script; `mended` is the fix that made it run, null where there was none."""

    step: str
    idea: str
    words: str
    mended: str | None


class Finding(Data):
    """A finding of a trial, and the steps whose trials contradict it.

    `gain` is the trial's gain as it is now, where it or what it was compared with was run on more splits since: on
    `splits` of them; else null.
    """

    step: str
    text: str
    gain: float | None
    standard_error: float | None
    splits: int | None
    contradicted: list[str]


class State(Data):
    """The state of a trace: its best solution and the step that reached it; null where it has none.

    `step` belongs to another trace if this trace was restarted from that trace's solution.
    """

    trace: int
    step: str | None
    score: float | None
    judged: str
    idea: str | None
    trials: int


class Memory(Data):
    """The shared memory of a run. `kind`: the only requested kind (the other lists are empty); null for all."""

    kind: str | None
    successes: list[Success]
    failures: list[Failure]
    findings: list[Finding]
    states: list[State]
