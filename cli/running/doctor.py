"""`doctor`: check whether a scenario can run here, with real requests to each backend unless told otherwise."""

from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter

from gome.agents.runtime.doctor import BackendFinding, DoctorReport, examine_scenario
from gome.cli.key_consent import check_consent
from gome.cli.options import Json, Overrides, RoleBackends, Runs, Sandbox, ScenarioFile, Trust
from gome.scenarios.config.loader import load_scenario, resolve_task
from gome.viewer import text
from gome.viewer.output import as_data, emit, hint, say, say_aside
from gome.viewer.run_folders import runs_root

__all__ = ["doctor"]


def doctor(
    scenario: ScenarioFile,
    *,
    set_: Overrides = (),
    role: RoleBackends = (),
    sandbox: Sandbox = "auto",
    trust: Trust = False,
    offline: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Check that a scenario can run here: real requests to each backend, sandbox, slots, disk. Status 1 if it cannot.

    Each backend is asked for a survey of the task, as a run's first question; the executor's also for a script. So one
    model for all roles gets two real requests, or a few more where an answer cannot be read. A run asks anew. How many
    calls there will be is said before the first one.

    Parameters
    ----------
    scenario
        A scenario's YAML file, or the name of a built-in scenario.
    offline
        Ask no model, which costs nothing: check keys, prices, sandbox, slots and disk, and say what is left out.
    """
    asked = load_scenario(scenario, overrides=set_, roles=role)
    check_consent(asked, scenario.parent, trust=trust)
    task, root = resolve_task(asked, scenario), runs_root(runs)

    def told(words: str) -> None:
        if not json:
            say_aside(words)

    async def look() -> DoctorReport:
        return await examine_scenario(
            *(asked, scenario, task, root), unsandboxed=sandbox == "none", offline=offline, told=told
        )

    found = anyio.run(look)
    if json:
        emit("doctor", {"well": found.well, **as_data(found)})
        return 0 if found.well else 1
    for each in found.backends:
        _print_backend(each)
    place = found.place
    say(f"{'sandbox':<9} {place.trouble or place.sandbox}")
    for node in place.nodes:
        has = f"{node.cpus:g} cores, {node.gpus:g} GPUs, sandbox {node.level or 'none'}"
        say(f"{'node':<9} {node.host} ({node.id[:8]}): {has}")
        if node.trouble is not None:
            say(f"{'':<9} trouble: {node.trouble}")
    for gap in place.gaps:
        say(f"{'':<9} gap: {gap}")
    say(f"{'slots':<9} {place.slots} with {text.several(place.threads, 'thread')} each")
    say(f"{'disk':<9} {place.free / 2**30:.1f} GiB free for runs")
    _conclude(found, scenario)
    return 0 if found.well else 1


def _conclude(found: DoctorReport, scenario: Path) -> None:
    """Print whether a run can begin, and what to do next."""
    left_out = any(each.left_out for each in found.backends)
    ready = "ready as far as this can be told without asking a model" if left_out else "ready"
    say(f"\n{ready}" if found.well else "\nnot ready")
    if not found.well:
        hint(f"fix the trouble above, then: gome doctor {scenario}")
    else:
        hint(*([f"gome doctor {scenario}"] if left_out else []), f"gome run {scenario}")


def _print_backend(finding: BackendFinding) -> None:
    say(f"{'backend':<9} {finding.label}, for {', '.join(finding.roles)}")
    if finding.left_out:
        answered = f"not asked, left out: {', '.join(finding.left_out)}"
    elif finding.seconds is None:
        answered = "did not answer"
    else:
        tokens = text.UNKNOWN if finding.tokens is None else text.count(finding.tokens)
        answered = f"answered in {text.duration(finding.seconds)}, {tokens} tokens, typed replies: {finding.replies}"
        if finding.window is not None:
            answered += f", window: {finding.window} tokens"
    say(f"{'':<9} key: {finding.key}; price: {finding.price}; {answered}")
    if finding.trouble is not None:
        say(f"{'':<9} trouble: {finding.trouble}")
