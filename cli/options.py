"""Options that several commands share, and the lookup of a run by name."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token
from cyclopts.validators import Number

from gome import scenarios
from gome.errors import UsageError
from gome.viewer.run_folders import find_run, runs_root

__all__ = [
    "Display",
    "InRun",
    "Json",
    "Output",
    "Overrides",
    "Place",
    "Port",
    "RoleBackends",
    "Run",
    "Runs",
    "Sandbox",
    "ScenarioFile",
    "Trust",
    "folder_of",
]

_SCENARIOS = Path(scenarios.__file__).parent

_NAMES = "a run's id or a unique prefix of it, @last, or @best: the best score on the same data as the latest run"
Run = Annotated[str, Parameter(help=f"{_NAMES[0].upper()}{_NAMES[1:]}.")]
InRun = Annotated[str, Parameter(name="--run", help=f"The run to read: {_NAMES}.")]
Runs = Annotated[Path | None, Parameter(name="--runs", help="Folder of all runs. Default: $GOME_RUNS, or ./runs.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), show_default=False, help="Print JSON instead of text.")]
Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65535))]
Place = Annotated[int | None, Parameter(validator=Number(gte=0, lte=1_000_000))]
"""The number of a trace or a step."""
Output = Annotated[Path | None, Parameter(name=["-o", "--output"])]
Overrides = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        negative=(),
        show_default=False,
        help="PATH=VALUE: override a setting, such as budget.time=10min. May be repeated.",
    ),
]
RoleBackends = Annotated[
    tuple[str, ...],
    Parameter(
        name="--role",
        negative=(),
        show_default=False,
        help="ROLE=BACKEND: the backend that answers for a role; '*=BACKEND' sets every role. May be repeated.",
    ),
]
Display = Annotated[
    Literal["rich", "plain", "json"] | None,
    Parameter(
        help="Live screen, a line per message, or a JSON document per message. Default: rich on a terminal, else plain."
    ),
]
Sandbox = Annotated[
    Literal["auto", "none"],
    Parameter(help="auto: isolate scripts as strongly as this machine allows; none: run them unconfined."),
]

Trust = Annotated[
    bool,
    Parameter(
        negative=(), show_default=False, help="Allow sending the scenario's API keys to its servers; remembered."
    ),
]


def _scenario_file(_: Any, tokens: Sequence[Token]) -> Path:
    """The given file, or the built-in scenario of that name. Raises UsageError where neither exists."""
    given = Path(tokens[0].value)
    if given.suffix or given.exists() or len(given.parts) > 1:
        return given
    named = _SCENARIOS / f"{given}.yaml"
    if not named.is_file():
        known = sorted(path.stem for path in _SCENARIOS.glob("*.yaml"))
        near = difflib.get_close_matches(given.name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"built-in scenarios: {', '.join(known)}"
        raise UsageError(f"there is no file or folder {given}, and no built-in scenario of that name; {hint}")
    return named


ScenarioFile = Annotated[Path, Parameter(converter=_scenario_file)]


def folder_of(run: str, runs: Path | None) -> Path:
    """The folder of the run that `run` names. Raises RunNotFound where there is none, or more than one."""
    return find_run(runs_root(runs), run)
