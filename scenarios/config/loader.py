"""Reads a scenario file: every problem in one pass, each with its line and column.

    bike.yaml:9:3: error[unknown-key] roles.propser: unknown key  did you mean proposer?

Knows no task data and imports nothing heavy, so that `validate` answers at once.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gome.errors import TaskError
from gome.scenarios.config.prices import missing_prices
from gome.scenarios.config.scenario import LanguageModel, Roles, Scenario
from gome.scenarios.reading.checking import check_document
from gome.scenarios.reading.document import Document, KeyPath, Place, parse_value, read_document
from gome.scenarios.reading.problems import Problem, ScenarioProblems, closest

__all__ = ["REASONING_ROLES", "load_scenario", "resolve_task", "task_folder", "warnings"]

REASONING_ROLES = tuple(name for name, field in Roles.model_fields.items() if field.annotation is str)
"""The roles that name a backend."""
_LITTLE_TIME = 600.0
"""Seconds; a trial takes a language model some minutes."""


def load_scenario(path: Path, overrides: Sequence[str] = (), roles: Sequence[str] = ()) -> Scenario:
    """The scenario in a file, after `overrides` (`path=value`) and `roles` (`role=backend`, `*=backend`).

    Raises ScenarioProblems with every problem of the file, the overrides and the roles.
    """
    document = read_document(Path(path))
    for text in overrides:
        _override(document, text)
    for text in roles:
        _assign(document, text)
    scenario = check_document(document, Scenario)
    _check_backends(document)
    if scenario is not None and not document.problems and scenario.budget.usd is not None:
        for words in missing_prices(scenario):
            document.report("no-price", ("budget", "usd"), words)
    if document.problems or scenario is None:
        raise ScenarioProblems(sorted(document.problems, key=_by_place))
    return scenario


def warnings(scenario: Scenario) -> tuple[str, ...]:
    """What is allowed and probably not meant."""
    said = []
    budget = scenario.budget
    limits = (budget.time, budget.trials, budget.usd, budget.tokens, budget.calls)
    if all(limit is None for limit in limits):
        said.append("budget: none is set, the run goes on until it is stopped; set for example budget: {time: 1h}")
    if scenario.memory.consistency == "lockstep" and any(limit is not None for limit in (budget.time, budget.usd)):
        said.append("budget: in lockstep only a budget in trials alone makes two runs the same")
    used = scenario.roles.backends
    models = [name for name in used if isinstance(scenario.backends[name], LanguageModel)]
    if models and budget.time is not None and budget.time < _LITTLE_TIME:
        said.append(
            f"budget: {budget.time:g} s are little for a language model ({models[0]}); give it ten minutes or more"
        )
    said.extend(f"backends.{name}: no role uses it" for name in scenario.backends if name not in used)
    if scenario.method.draft_until > scenario.method.ensemble_from:
        said.append("method: draft_until is later than ensemble_from, there is no stage between them")
    return tuple(said)


def resolve_task(scenario: Scenario, scenario_path: Path) -> Path:
    """The folder of a scenario's task: a path relative to the scenario file, else as `task_folder`."""
    return task_folder(scenario.task, Path(scenario_path).parent)


def task_folder(name: str, beside: Path) -> Path:
    """A task's folder: a path relative to `beside`, a name under `scenarios/tasks`, or mlebench:COMPETITION.

    Raises TaskError with the places searched.
    """
    if name.startswith("mlebench:"):
        from gome.scenarios.authoring.mlebench import mlebench_task  # heavy, as tables are
        from gome.scenarios.prepare.preparing import cache_folder

        return mlebench_task(name.removeprefix("mlebench:"), cache_folder())
    written = Path(name).expanduser()
    places = [beside / written]
    if len(written.parts) == 1 and not written.is_absolute():
        places.append(Path(__file__).parents[1] / "tasks" / written)
    for place in places:
        if place.is_dir():
            return place.resolve()
    searched = " and ".join(str(place.absolute()) for place in places)
    raise TaskError(f"no folder for task {name!r}: looked for {searched}; write a name or a path as `task`")


def _override(document: Document, text: str) -> None:
    """`--set path=value`, where the value is read as it would be in the file."""
    option = f"--set {text}"
    name, equals, written = text.partition("=")
    keys = tuple(name.strip().split("."))
    if not equals or not all(keys):
        _refuse(document, option, (), "option", "write it as path=value, for example budget.time=10min")
        return
    try:
        value = parse_value(written)
    except ValueError as error:
        _refuse(document, option, keys, "syntax", str(error))
        return
    _put(document, keys, value, option)


def _assign(document: Document, text: str) -> None:
    """`--role proposer=frontier`, or `*=frontier` for all."""
    option = f"--role {text}"
    role, equals, backend = (part.strip() for part in text.partition("="))
    if not equals or not role or not backend:
        _refuse(document, option, (), "option", "write it as role=backend, for example proposer=frontier")
    elif role == "*":
        for each in REASONING_ROLES:
            _put(document, ("roles", each), backend, option)
    elif role not in REASONING_ROLES:
        hint = closest(role, REASONING_ROLES)
        _refuse(document, option, ("roles", role), "unknown-role", f"roles are {', '.join(REASONING_ROLES)}", hint)
    else:
        _put(document, ("roles", role), backend, option)


def _put(document: Document, keys: KeyPath, value: Any, option: str) -> None:
    """Set a value in the document; its place, and that of what is made on the way, is the option."""
    here = document.value
    if not isinstance(here, dict):
        return
    for depth, key in enumerate(keys[:-1], start=1):
        if key not in here or here[key] is None:
            here[key] = {}
            document.places[keys[:depth]] = Place(option, None, None)
        here = here[key]
        if not isinstance(here, dict):
            _refuse(document, option, keys[:depth], "option", "is one value in the file, nothing can be set in it")
            return
    here[keys[-1]] = value
    for path in [path for path in document.places if path[: len(keys)] == keys]:
        del document.places[path]
    document.places[keys] = Place(option, None, None)


def _refuse(document: Document, option: str, path: KeyPath, code: str, message: str, hint: str | None = None) -> None:
    document.problems.append(Problem(option, None, None, code, ".".join(map(str, path)), message, hint))


def _check_backends(document: Document) -> None:
    """Every role names a backend that is there. Read in the plain values, so that no other problem hides this one."""
    value = document.value if isinstance(document.value, dict) else {}
    roles, backends = value.get("roles"), value.get("backends")
    if not isinstance(roles, dict) or not isinstance(backends, dict):
        return
    for role in REASONING_ROLES:
        name = roles.get(role)
        if isinstance(name, str) and name not in backends:
            words = f"no backend is called {name}"
            hint = closest(name, backends)
            known = f"; known: {', '.join(backends)}" if backends and not hint else ""
            document.report("unknown-backend", ("roles", role), words + known, hint)
    keeper = roles.get("memory_keeper")
    name = keeper.get("backend") if isinstance(keeper, dict) else None
    if isinstance(name, str):
        backend = backends.get(name)
        if not isinstance(backend, dict) or backend.get("kind") != "openai":
            words = f"{name} is no backend of kind openai, which is the one that embeds"
            document.report("unknown-backend", ("roles", "memory_keeper", "backend"), words, closest(name, backends))


def _by_place(problem: Problem) -> tuple[bool, int, int]:
    return problem.line is None, problem.line or 0, problem.column or 0
