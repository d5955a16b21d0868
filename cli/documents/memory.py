"""The document about a run's memory: its four kinds of entries, each with what speaks for and against it."""

from gome.cli.documents.base import Data

__all__ = ["Memory"]


class Trying(Data):
    """A trial of a change: where, and its gain in standard errors."""

    step: str
    gain: float


class Reader(Data):
    """A step to which a change was given. `used`: it took the change; `verdict` and `gain` are what came of that.

    `paid` says whether there was a gain; it is null where the change was not used or has not been measured.
    """

    step: str
    used: bool
    verdict: str | None
    gain: float | None
    paid: bool | None


class Success(Data):
    """An accepted change; a first solution has no gain. `demoted` says why it is given to nobody any more.

    `supporting` and `contradicting` are its trials with a gain and without, its own among them.
    """

    step: str
    ideas: list[str]
    gain: float | None
    standard_error: float | None
    score: float
    supporting: list[Trying]
    contradicting: list[Trying]
    demoted: str | None
    readers: list[Reader]
    message: str


class Failure(Data):
    """What a script failed of; `mended` is what made it run after all, null where nothing did."""

    step: str
    idea: str
    words: str
    mended: str | None


class Finding(Data):
    """What a trial taught, and the steps whose trials showed otherwise."""

    step: str
    text: str
    contradicted: list[str]


class State(Data):
    """Where a trace stands: its best solution, and by which step it was reached; null where it has none.

    The step is another trace's where the trace was restarted from that one's solution.
    """

    trace: int
    step: str | None
    score: float | None
    idea: str | None
    trials: int


class Memory(Data):
    """What a run knows. `kind` is the one kind that was asked for; then the other lists are empty."""

    kind: str | None
    successes: list[Success]
    failures: list[Failure]
    findings: list[Finding]
    states: list[State]
