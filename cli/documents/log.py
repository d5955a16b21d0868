"""Documents about a log: its messages, what can be asked of them, its replay."""

from typing import Annotated, Any

from pydantic import WithJsonSchema

from gome.cli.documents.base import Data
from gome.cli.documents.runs import Times, Used

__all__ = ["Asked", "Placed", "Query", "Replayed", "ScriptAgain", "Statistics", "WholeMessage"]

_Message = Annotated[dict[str, Any], WithJsonSchema({"allOf": [{"$ref": "messages.schema.json"}]})]


class Placed(Data):
    """A message in its place in the log; `messages.schema.json` says what each kind has."""

    id: str
    seq: int
    run: str
    sender: str
    trace: int | None
    step: int | None
    cause: str | None
    correlation: str
    time: float
    message: _Message


class Asked(Data):
    """A question or a script on the way to a message: its meter, and its answer as recorded."""

    id: str
    activity: str
    label: str
    seconds: float
    meter: dict[str, float]
    result: dict[str, Any]


class WholeMessage(Data):
    """A message with the texts that it names, and the questions and scripts that its sender used to say it."""

    message: Placed
    artefacts: dict[str, str]
    activities: list[Asked]


class Query(Data):
    """What a query in SQL returned."""

    columns: list[str]
    rows: list[list[Any]]


class Statistics(Data):
    """How many messages of which kinds each role said, what it used, and shares of the run's time."""

    messages: int
    roles: dict[str, dict[str, int]]
    usage: dict[str, Used]
    time: Times


class Replayed(Data):
    """A log that was replayed without a difference: messages handled and said again, calls answered from it."""

    handled: int
    said: int
    activities: int
    buried: int


class ScriptAgain(Data):
    """A recorded script's score, then and now."""

    message: str
    view: str
    before: float | None
    after: float | None
    same: bool
