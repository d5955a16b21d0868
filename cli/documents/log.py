"""Documents about a log: messages, statistics, queries, replay."""

from typing import Annotated, Any

from pydantic import WithJsonSchema

from gome.cli.documents.base import Data
from gome.cli.documents.runs import Times, Used

__all__ = ["Asked", "Placed", "Query", "Replayed", "ScriptAgain", "Statistics", "WholeMessage"]

_Message = Annotated[dict[str, Any], WithJsonSchema({"allOf": [{"$ref": "messages.schema.json"}]})]


class Placed(Data):
    """A message with its envelope; `messages.schema.json` defines the fields of each kind."""

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
    """A model call or a script run that a message is based on: its meter and its recorded result."""

    id: str
    activity: str
    label: str
    seconds: float
    meter: dict[str, float]
    result: dict[str, Any]


class WholeMessage(Data):
    """A message with the texts it refers to, and the model calls and script runs that its sender used for it."""

    message: Placed
    artefacts: dict[str, str]
    activities: list[Asked]


class Query(Data):
    """The result of an SQL query."""

    columns: list[str]
    rows: list[list[Any]]


class Statistics(Data):
    """Messages by role and kind, usage by role, and shares of the run's time."""

    messages: int
    roles: dict[str, dict[str, int]]
    usage: dict[str, Used]
    time: Times


class Replayed(Data):
    """A replay without differences: messages handled, messages reproduced (`said`), calls answered from the log.

    `buried` counts dead letters, which are not replayed.
    """

    handled: int
    said: int
    activities: int
    buried: int


class ScriptAgain(Data):
    """The score of a recorded script in the log (`before`) and when run again (`after`)."""

    message: str
    view: str
    before: float | None
    after: float | None
    same: bool
