"""Load a scenario file and report all its problems at once, each with line and column.

    bike.yaml:9:3: error[unknown-key] roles.propser: unknown key  did you mean proposer?

Reads no task data and imports nothing heavy, so that `validate` is fast.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gome.errors import TaskError
from gome.scenarios.config.named_settings import with_preset
from gome.scenarios.config.prices import missing_prices, unpriced_choices
from gome.scenarios.config.providers import PROVIDERS
from gome.scenarios.config.scenario import REASONING, LanguageModel, Scenario
from gome.scenarios.reading.checking import check_document
from gome.scenarios.reading.document import Document, KeyPath, Place, parse_value, read_document
from gome.scenarios.reading.home import expanded
from gome.scenarios.reading.problems import Problem, ScenarioProblems, closest

__all__ = ["load_scenario", "resolve_task", "task_folder", "warnings"]

_LEAST_TIME = 30.0
"""Seconds. A whole run below this is probably a number whose unit was forgotten."""
_LITTLE_TIME = 600.0
"""Seconds. Below this a warning is shown: a trial with a language model takes some minutes."""


def load_scenario(path: Path, overrides: Sequence[str] = (), roles: Sequence[str] = ()) -> Scenario:
    """Load a scenario; apply `overrides` (`path=value`) and `roles` (`role=backend`, `*=backend` for all roles).

    Raises ScenarioProblems with all problems of the file, the overrides and the roles.
    """
    document = read_document(Path(path))
    for text in overrides:
        _override(document, text)
    for text in roles:
        _assign(document, text)
    document.value = with_preset(document.value)
    scenario = check_document(document, Scenario)
    _check_backends(document)
    if scenario is not None and not document.problems and scenario.budget.usd is not None:
        for words in missing_prices(scenario):
            document.report("no-price", ("budget", "usd"), words)
    if scenario is not None and not document.problems:
        for role, words in unpriced_choices(scenario):
            document.report("no-price", ("roles", role, "choose", "among"), words)
    if document.problems or scenario is None:
        raise ScenarioProblems(sorted(document.problems, key=_by_place))
    return scenario


def warnings(scenario: Scenario) -> tuple[str, ...]:
    """Messages about settings that are valid but probably unintended."""
    found = []
    budget = scenario.budget
    limits = (budget.time, budget.trials, budget.usd, budget.tokens, budget.calls)
    if all(limit is None for limit in limits):
        found.append("budget: no limit is set, the run continues until stopped; set for example budget: {time: 1h}")
    if scenario.memory.consistency == "lockstep" and any(limit is not None for limit in (budget.time, budget.usd)):
        found.append("budget: lockstep runs are reproducible only with a budget in trials, not in time or dollars")
    if budget.time is not None and budget.time < _LEAST_TIME:
        words = "is the time of the whole run (a number without a unit is seconds: write 4min for four minutes)"
        found.append(f"budget: {budget.time:g} s {words}")
    used = scenario.roles.backends
    models = [name for name in used if isinstance(scenario.backends[name], LanguageModel)]
    if models and budget.time is not None and budget.time < _LITTLE_TIME:
        found.append(f"budget: {budget.time:g} s is short for a language model ({models[0]}); use ten minutes or more")
    found.extend(f"backends.{name}: not used by any role" for name in scenario.backends if name not in used)
    if scenario.method.draft_until > scenario.method.ensemble_from:
        found.append("method: draft_until is later than ensemble_from, so there is no improve stage")
    return tuple(found)


def resolve_task(scenario: Scenario, scenario_path: Path) -> Path:
    """The folder of a scenario's task. Paths are relative to the scenario file; see `task_folder`. Raises TaskError."""
    return task_folder(scenario.task, Path(scenario_path).parent)


def task_folder(name: str, beside: Path) -> Path:
    """Find a task's folder by a path relative to `beside`, a name under `scenarios/tasks`, or mlebench:COMPETITION.

    Raises TaskError with the folders searched.
    """
    if name.startswith("mlebench:"):
        from gome.scenarios.authoring.mlebench import mlebench_task  # imports pandas, which is slow
        from gome.scenarios.prepare.preparing import cache_folder

        return mlebench_task(name.removeprefix("mlebench:"), cache_folder())
    written = expanded(name)
    places = [beside / written]
    if len(written.parts) == 1 and not written.is_absolute():
        places.append(Path(__file__).parents[1] / "tasks" / written)
    for place in places:
        if place.is_dir():
            return place.resolve()
    searched = " and ".join(str(place.absolute()) for place in places)
    raise TaskError(f"no folder for task {name!r}: searched {searched}; set `task` to a name or a path")


def _override(document: Document, text: str) -> None:
    """Apply `--set path=value`; the value is parsed as YAML, as in the file."""
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
    """Apply `--role proposer=frontier`, `proposer=first,second` for two in order, or `*=frontier` for all roles."""
    option = f"--role {text}"
    role, equals, backend = (part.strip() for part in text.partition("="))
    if not equals or not role or not backend:
        _refuse(document, option, (), "option", "write it as role=backend, for example proposer=frontier")
    elif role == "*":
        for each in REASONING:
            _put(document, ("roles", each), _names(backend), option)
    elif role not in REASONING:
        hint = closest(role, REASONING)
        _refuse(document, option, ("roles", role), "unknown-role", f"roles are {', '.join(REASONING)}", hint)
    else:
        _put(document, ("roles", role), _names(backend), option)


def _names(written: str) -> Any:
    """The name of a backend, or a list of several."""
    names = [name.strip() for name in written.split(",")]
    return names if len(names) > 1 else names[0]


def _put(document: Document, keys: KeyPath, value: Any, option: str) -> None:
    """Set a value in the document, creating parents. Problems with them are reported at the option."""
    here = document.value
    if not isinstance(here, dict):
        return
    for depth, key in enumerate(keys[:-1], start=1):
        if key not in here or here[key] is None:
            here[key] = {}
            document.places[keys[:depth]] = Place(option, None, None)
        here = here[key]
        if not isinstance(here, dict):
            _refuse(document, option, keys[:depth], "option", "is a single value in the file, it has no keys to set")
            return
    here[keys[-1]] = value
    for path in [path for path in document.places if path[: len(keys)] == keys]:
        del document.places[path]
    document.places[keys] = Place(option, None, None)


def _refuse(document: Document, option: str, path: KeyPath, code: str, message: str, hint: str | None = None) -> None:
    document.problems.append(Problem(option, None, None, code, ".".join(map(str, path)), message, hint))


def _check_backends(document: Document) -> None:
    """Check that every role names a defined backend.

    Uses the unvalidated values, so that other problems do not hide this one.
    """
    value = document.value if isinstance(document.value, dict) else {}
    roles, backends = value.get("roles"), value.get("backends")
    if not isinstance(roles, dict) or not isinstance(backends, dict):
        return
    for role in REASONING:
        place: KeyPath = ()
        named = roles.get(role)
        if isinstance(named, dict) and isinstance(named.get("choose"), dict):
            named, place = named["choose"].get("among"), ("choose", "among")
        listed: list[tuple[KeyPath, Any]] = [(place, named)]
        if isinstance(named, list):
            listed = [((*place, at), name) for at, name in enumerate(named)]
        for at, name in listed:
            if isinstance(name, str) and name not in backends:
                words = f"no backend named {name}"
                hint = closest(name, backends)
                known = f"; known: {', '.join(backends)}" if backends and not hint else ""
                document.report("unknown-backend", ("roles", role, *at), words + known, hint)
    keeper = roles.get("memory_keeper")
    name = keeper.get("backend") if isinstance(keeper, dict) else None
    if isinstance(name, str):
        backend = backends.get(name)
        if not isinstance(backend, dict) or not _speaks_openai(backend.get("kind")):
            words = f"{name} is not a backend of an OpenAI-compatible server (kind: openai), which embeddings need"
            document.report("unknown-backend", ("roles", "memory_keeper", "backend"), words, closest(name, backends))


def _speaks_openai(kind: Any) -> bool:
    return isinstance(kind, str) and kind in PROVIDERS and PROVIDERS[kind].speaks_openai


def _by_place(problem: Problem) -> tuple[bool, int, int]:
    return problem.line is None, problem.line or 0, problem.column or 0
