"""`resume`: continue a stopped run within its budget, or with a new budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from pydantic import ValidationError

from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.opening import opening_of, scenario_folder, scenario_of
from gome.cli.detach import detach as start
from gome.cli.detach import tell_detached
from gome.cli.key_consent import check_consent
from gome.cli.options import Display, Json, Run, Runs, Sandbox, Trust, folder_of
from gome.cli.running.run import run_watched
from gome.errors import UsageError
from gome.scenarios.config.scenario import Budget
from gome.viewer.model.message_lines import event_line
from gome.viewer.output import emit, envelope_data, hint, say, say_aside
from gome.viewer.run_folders import as_opened, open_reader, outline

if TYPE_CHECKING:
    from gome.agents.runtime.lifecycle import Ready

__all__ = ["extended_budget", "resume", "show_in_flight"]

Changes = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        negative=(),
        show_default=False,
        help="budget.NAME=VALUE: change the budget, such as budget.time=2h. May be repeated.",
    ),
]


def resume(
    run: Run = "@last",
    *,
    set_: Changes = (),
    display: Display = None,
    sandbox: Sandbox = "auto",
    trust: Trust = False,
    accept_changes: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    detach: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Continue a stopped run, or extend a finished one with --set budget.NAME=VALUE. Finished calls are not repeated.

    Parameters
    ----------
    accept_changes
        Continue although task files, packages or the version of gome changed since the run began.
    dry_run
        Only list the calls that would be repeated.
    detach
        Return once the run has resumed; it continues in the background, also after this terminal closes.
    """
    folder = folder_of(run, runs)
    if dry_run:
        return show_in_flight(folder, as_json=json)
    check_consent(scenario_of(folder), scenario_folder(folder), trust=trust)
    budget = extended_budget(opening_of(folder).scenario.get("budget", {}), set_) if set_ else None
    if detach:
        changes = [*(f"--set={each}" for each in set_), *(["--accept-changes"] if accept_changes else [])]
        shown = ["--sandbox", sandbox, "--display", "json" if display == "json" else "plain"]
        arguments = ["resume", folder.name, *changes, *shown, "--runs", str(folder.parent)]
        return tell_detached(start(arguments, folder), as_json=json)

    async def work(ready: "Ready") -> RunFinished | None:
        from gome.agents.runtime.lifecycle import resume as go_on  # a second or more, and a detached run needs it not

        return await go_on(
            folder, budget=budget, unsandboxed=sandbox == "none", accept_changes=accept_changes, on_ready=ready
        )

    over = budget is None and outline(folder).finished is not None
    status = run_watched(folder, work, display, as_json=json, confirms=scenario_of(folder).confirm)
    if over:
        say_aside(f"already finished; to go on give it more: gome resume {as_opened(folder)} --set budget.time=1h")
    return status


def extended_budget(before: dict[str, Any], overrides: tuple[str, ...]) -> Budget:
    """The run's budget with every `budget.NAME=VALUE` applied. Raises UsageError for other settings and bad values."""
    values = dict(before)
    for each in overrides:
        path, found, value = each.partition("=")
        name = path.removeprefix("budget.")
        if not found or name == path or name not in Budget.model_fields:
            known = ", ".join(f"budget.{field}" for field in Budget.model_fields)
            raise UsageError(f"--set {each}: a resumed run keeps its scenario; only these can be set: {known}")
        values[name] = None if value in ("null", "none") else value
    try:
        return Budget.model_validate(values)
    except ValidationError as error:
        words = "; ".join(f"budget.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"--set: {words}") from error


def show_in_flight(folder: Path, as_json: bool) -> int:
    """Print the calls that a resume would repeat: those in flight when the run stopped."""
    with open_reader(folder) as reader:
        calls = reader.in_flight()
    if as_json:
        emit("resume-dry-run", [envelope_data(each) for each in calls])
        return 0
    for each in calls:
        say(event_line(each))
    say(f"{len(calls)} calls would be repeated; finished calls are reused")
    hint(f"gome resume {as_opened(folder)}")
    return 0
