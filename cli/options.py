"""The options that several verbs take, and how they find their run."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from gome import scenarios
from gome.errors import UsageError
from gome.viewer.store import find_run, runs_root

__all__ = [
    "Display",
    "InRun",
    "Json",
    "Output",
    "Overrides",
    "RoleBackends",
    "Run",
    "Runs",
    "Sandbox",
    "ScenarioFile",
    "Trust",
    "folder_of",
]

_SCENARIOS = Path(scenarios.__file__).parent

Run = Annotated[str, Parameter(help="A run's id or the start of it, @last or @best.")]
InRun = Annotated[str, Parameter(name="--run", help="The run whose message it is.")]
Runs = Annotated[Path | None, Parameter(name="--runs", help="Folder of all runs. Default: $GOME_RUNS, or runs.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), show_default=False, help="Print one JSON document.")]
Output = Annotated[Path | None, Parameter(name=["-o", "--output"])]
Overrides = Annotated[
    tuple[str, ...],
    Parameter(name="--set", negative=(), show_default=False, help="PATH=VALUE, such as budget.time=10min."),
]
RoleBackends = Annotated[
    tuple[str, ...],
    Parameter(
        name="--role", negative=(), show_default=False, help="ROLE=BACKEND, or '*=BACKEND': who reasons for a role."
    ),
]
Display = Annotated[
    Literal["rich", "plain", "json"] | None,
    Parameter(
        help="A live screen, a line a message, or a JSON document a message. Default: rich on a terminal, else plain."
    ),
]
Sandbox = Annotated[Literal["auto", "none"], Parameter(help="none lets scripts run unconfined.")]

Trust = Annotated[
    bool,
    Parameter(negative=(), show_default=False, help="The keys that the scenario names may go to the servers it names."),
]


def _scenario_file(_: Any, tokens: Sequence[Token]) -> Path:
    """The file given, or the house's scenario of that name. Raises UsageError for a name that is neither."""
    given = Path(tokens[0].value)
    if given.suffix or given.exists() or len(given.parts) > 1:
        return given
    named = _SCENARIOS / f"{given}.yaml"
    if not named.is_file():
        known = sorted(path.stem for path in _SCENARIOS.glob("*.yaml"))
        near = difflib.get_close_matches(given.name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UsageError(f"there is no file {given}, and no scenario of the house has that name; {hint}")
    return named


ScenarioFile = Annotated[Path, Parameter(converter=_scenario_file)]


def folder_of(run: str, runs: Path | None) -> Path:
    """The folder of the run that answers to that name. Raises RunNotFound."""
    return find_run(runs_root(runs), run)
