"""`fork`: branch a run at a message; the new run shares the history up to it and continues live."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import Ready, fork_run
from gome.agents.runtime.opening import scenario_folder, scenario_of
from gome.cli.key_consent import check_consent
from gome.cli.options import Display, Json, RoleBackends, Run, Runs, Trust, folder_of
from gome.cli.running.run import run_watched
from gome.errors import UsageError
from gome.scenarios.config.scenario import REASONING, BackendNames, Roles, Scenario
from gome.scenarios.reading.problems import closest
from gome.viewer.output import say_aside
from gome.viewer.run_folders import new_run_id, open_reader

__all__ = ["changed_roles", "fork"]


def fork(
    run: Run,
    *,
    at: Annotated[str, Parameter(help="The id of the last message that both runs share.")],
    role: RoleBackends = (),
    trust: Trust = False,
    display: Display = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Branch a run at a message and continue live; the parent is unchanged."""
    source = folder_of(run, runs)
    scenario = scenario_of(source)
    check_consent(scenario, scenario_folder(source), trust=trust)
    roles = changed_roles(scenario, role) if role else None
    with open_reader(source) as reader:
        last = reader.envelope(at).id
    run_id = new_run_id(scenario.name)
    folder = source.parent / run_id
    say_aside(f"run {run_id} in {folder}, a fork of {source.name} after {last[:8]}")

    async def work(ready: Ready) -> RunFinished | None:
        return await fork_run(source, last, folder, run_id=run_id, roles=roles, on_ready=ready)

    return run_watched(folder, work, display, as_json=json)


def changed_roles(scenario: Scenario, changes: tuple[str, ...]) -> Roles:
    """The scenario's roles with every `ROLE=BACKEND` applied (`*`: every role; A,B: several in order).

    Raises UsageError where the role or the backend does not exist.
    """
    chosen: dict[str, BackendNames] = {}
    for each in changes:
        name, _, written = each.partition("=")
        if name != "*" and name not in REASONING:
            raise UsageError(f"--role {each}: no role {name!r}; {_near(name, REASONING)}")
        backends = tuple(backend.strip() for backend in written.split(","))
        for backend in backends:
            if backend not in scenario.backends:
                raise UsageError(f"--role {each}: no backend {backend!r}; {_near(backend, list(scenario.backends))}")
        chosen |= dict.fromkeys(REASONING if name == "*" else [name], backends if len(backends) > 1 else backends[0])
    return scenario.roles.model_copy(update=chosen)


def _near(word: str, known: Sequence[str]) -> str:
    near = closest(word, known)
    return f"did you mean {near}?" if near else f"choose from {', '.join(known)}"
