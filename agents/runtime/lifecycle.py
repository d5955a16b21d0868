"""Start, resume or fork a run: open its log, create the actors, and run them until the run is finished or stopped.

start_run   scenario, task ──► RunOpened ──┐
resume      log            ──► RunOpened ──┴──► actors ──► supervisor ──► RunFinished
"""

import os
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path

import anyio
import anyio.to_thread

from gome.agents.backends.fallback import in_order
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import FinishRequested, RunFinished, RunOpened, SessionClosed, SessionOpened
from gome.agents.roles.dead_letters import conclude_dead_letter
from gome.agents.roles.team import seat
from gome.agents.runtime.inbox import admit, attend
from gome.agents.runtime.memory import give_back
from gome.agents.runtime.opening import opening_of, scenario_of
from gome.agents.runtime.resources import Resources, assets_of_run, open_resources
from gome.agents.runtime.stopping import PATIENCE
from gome.agents.scripts.user_script import start_of
from gome.agents.state.call_budget import UNITS, Spending, amount
from gome.agents.state.deadline import announce_deadline, read_ending
from gome.bus.actors.supervisor import Supervisor
from gome.bus.events import ActivityFinished
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.fork import fork
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import SqliteLog, open_log
from gome.bus.telemetry import Telemetry
from gome.errors import GomeError, LogError, UsageError
from gome.scenarios.config.loader import resolve_task
from gome.scenarios.config.scenario import REASONING, Budget, Roles, Scenario
from gome.scenarios.evaluation.probes import can_be_probed
from gome.scenarios.task.task import Task
from gome.version import VERSION

__all__ = ["Ready", "fork_run", "resume", "start_run"]

Ready = Callable[[Supervisor], None]
"""Called once the actors are created, with their supervisor, which can stop them."""


async def start_run(
    scenario: Scenario,
    scenario_path: Path,
    folder: Path,
    *,
    run_id: str,
    start: Path | None = None,
    unsandboxed: bool = False,
    task: Task | None = None,
    on_ready: Ready | None = None,
    on_task: Callable[[Task], None] | None = None,
) -> RunFinished | None:
    """Start a run in `folder` and run it to its end; return None if it was stopped before it finished.

    `start` is a script from which traces begin; it replaces the scenario's own. `task` is the scenario's, where the
    caller has loaded it. `on_task` is called with the task once it is loaded. All input of the user is checked before
    the folder is created. Raises UsageError and its subclasses, TaskError, SandboxError, and Outage where a service
    fails during the run; after an Outage the run can be resumed.
    """
    if await anyio.Path(folder).exists():
        raise UsageError(f"{folder} already exists; resume that run, or choose another id")
    task_path = resolve_task(scenario, scenario_path)
    spending = Spending(scenario.budget)
    resources = await open_resources(
        scenario,
        scenario_path,
        task_path,
        Artefacts(folder),
        folder,
        unsandboxed=unsandboxed,
        spending=spending,
        start=start or start_of(scenario, scenario_path),
        loaded=task,
    )
    async with aclosing(resources):
        if on_task is not None:
            on_task(resources.task)
        start_ref = await resources.forward.artefacts.put(resources.start) if resources.start is not None else None
        opened = await anyio.to_thread.run_sync(_opening, scenario, scenario_path, task_path, resources, start_ref)
        async with open_log(folder, run=run_id, vocabulary=VOCABULARY) as log:
            await log.append("user", [Draft(opened, opens=True)])
            give_back()
            return await _stay(folder, log, scenario, resources, _session(scenario, resources), on_ready)


async def resume(
    folder: Path,
    *,
    budget: Budget | None = None,
    roles: Roles | None = None,
    finish: bool = False,
    unsandboxed: bool = False,
    accept_changes: bool = False,
    on_ready: Ready | None = None,
) -> RunFinished | None:
    """Continue the run in `folder` where it stopped; finished calls are not repeated and nothing is deleted.

    `budget` replaces the run's budget, so that a finished run can continue; `roles` replaces its roles. With `finish`
    no further step is opened, and models are asked only to judge what was run. Returns and raises as `start_run`; also
    LogError where task, packages or version of gome have changed since the run began, unless `accept_changes`, and
    UsageError for a budget where scripts may have got the labels of a hold-out that was set apart.
    """
    opened = await anyio.to_thread.run_sync(opening_of, folder)
    scenario = await anyio.to_thread.run_sync(scenario_of, folder)
    if budget is not None and scenario.method.finish.apart:
        await anyio.to_thread.run_sync(_check_not_released, folder)
    changed = {"budget": budget, "roles": roles}
    scenario = scenario.model_copy(update={name: value for name, value in changed.items() if value is not None})
    task_path = Path(opened.task_path)
    spending = Spending(scenario.budget, await anyio.to_thread.run_sync(_spent, folder))
    scenario_path = Path(opened.scenario_path)
    await anyio.to_thread.run_sync(assets_of_run, scenario.executors.assets, scenario_path)
    resources = await open_resources(
        scenario, scenario_path, task_path, Artefacts(folder), folder, unsandboxed=unsandboxed, spending=spending
    )
    async with aclosing(resources):
        _check_unchanged(opened, resources, accept_changes=accept_changes)
        if not accept_changes:  # in a changed environment, recorded outcomes of scripts may no longer hold
            await anyio.to_thread.run_sync(_learn, folder, resources)
        async with open_log(folder, vocabulary=VOCABULARY) as log:
            session = _session(scenario, resources, budget, roles)
            if finish:
                await log.append("user", [Draft(FinishRequested(), opens=True)])
            return await _stay(folder, log, scenario, resources, session, on_ready, accept_changes=accept_changes)


async def fork_run(
    source: Path, at: str, folder: Path, *, run_id: str, roles: Roles | None = None, on_ready: Ready | None = None
) -> RunFinished | None:
    """Branch the run in `source` at the message with id `at` into `folder`, and continue live from there.

    `roles` assigns other backends of the scenario from that message on. The parent is only read. Returns and raises as
    `resume`; also UsageError where there is no such message.
    """
    await anyio.to_thread.run_sync(fork, source, folder, at, run_id)
    return await resume(folder, roles=roles, on_ready=on_ready)


def _spent(folder: Path) -> dict[str, float]:
    """Amount spent of each unit that a budget can limit, summed over the log in `folder`."""
    spent: dict[str, float] = dict.fromkeys(UNITS, 0.0)
    with LogReader(folder, VOCABULARY) as reader:
        for envelope in reader.envelopes(kinds=["activity_finished"]):
            if isinstance(envelope.message, ActivityFinished):
                for unit in UNITS:
                    spent[unit] += amount(envelope.message.meter, unit)
    return spent


def _learn(folder: Path, resources: Resources) -> None:
    """Load the recorded outcomes of script runs from the log in `folder`."""
    with LogReader(folder, VOCABULARY) as reader:
        resources.forward.known.learn(reader)


def _check_not_released(folder: Path) -> None:
    """Raise UsageError where the run's finish was called: trials after it could learn the hold-out's labels."""
    with LogReader(folder, VOCABULARY) as reader:
        if any(True for _ in reader.envelopes(kinds=["finish_called"], limit=1)):
            raise UsageError(
                f"the finish of run {folder.name} gives scripts the labels of its hold-out, which method.finish.apart "
                "keeps from trials, so it gets no further budget; start a new run from its best script with --start"
            )


def _check_unchanged(opened: RunOpened, resources: Resources, *, accept_changes: bool) -> None:
    changes = []
    if resources.task.digest != opened.task_digest:
        changes.append(f"the task's files in {opened.task_path} have changed since the run began")
    if opened.version != VERSION:
        changes.append(f"the run was started by gome {opened.version}, this is gome {VERSION}")
    changes += [
        f"package {name} was {before}, now {resources.workplace.packages.get(name, 'missing')}"
        for name, before in opened.workplace.packages.items()
        if resources.workplace.packages.get(name) != before
    ]
    if changes and not accept_changes:
        raise LogError(f"{'; '.join(changes)}. Use --accept-changes to continue anyway.")


def _opening(
    scenario: Scenario, scenario_path: Path, task_path: Path, resources: Resources, start_ref: str | None
) -> RunOpened:
    return RunOpened(
        version=VERSION,
        name=scenario.name,
        scenario=scenario.model_dump(mode="json"),
        scenario_path=str(scenario_path.resolve()),
        task_path=str(task_path.resolve()),
        task_digest=resources.task.digest,
        task=resources.harness.searched.brief,
        profile=resources.harness.profile,
        workplace=resources.workplace,
        reasoners=_labels(scenario, resources),
        splits=resources.harness.splits,
        baseline=resources.harness.dummy_score(),
        probed=can_be_probed(resources.task),
        start_ref=start_ref,
    )


def _session(
    scenario: Scenario, resources: Resources, budget: Budget | None = None, roles: Roles | None = None
) -> SessionOpened:
    return SessionOpened(
        wall=time.time(),
        pid=os.getpid(),
        sandbox=resources.sandbox.level.value,
        sandbox_gaps=resources.sandbox.gaps,
        slots=len(resources.slots.slots),
        standby=resources.placement.standby,
        reasoners=_labels(scenario, resources),
        budget=budget.model_dump(mode="json") if budget else None,
        roles=roles.model_dump(mode="json") if roles else None,
    )


def _labels(scenario: Scenario, resources: Resources) -> dict[str, str]:
    """Role → label of its backend."""
    roles = scenario.roles
    labels = {role: in_order(resources.backends, roles.of(role)).label for role in REASONING}
    return {role: label.replace(", else ", ", or ") if roles.choice(role) else label for role, label in labels.items()}


async def _stay(
    folder: Path,
    log: SqliteLog,
    scenario: Scenario,
    resources: Resources,
    session: SessionOpened,
    on_ready: Ready | None,
    *,
    accept_changes: bool = False,
) -> RunFinished | None:
    """Append SessionOpened, run the actors, and return RunFinished, or None if the run was stopped.

    Where it ends before the run has finished, SessionClosed says why.
    """
    before = log.head if session.budget is not None else 0
    await log.append("session", [Draft(session, opens=True)])
    artefacts = resources.forward.artefacts
    await admit(folder, log, artefacts)
    ending = await read_ending(log, scenario.budget)
    actors = seat(scenario, resources.backends, resources, artefacts, resources.embedder, ending)
    supervisor = Supervisor(
        log,
        artefacts,
        Telemetry(log),
        actors,
        conclude_dead_letter=conclude_dead_letter,
        patience=PATIENCE,
        accept_changes=accept_changes,
    )
    if on_ready is not None:
        on_ready(supervisor)

    def finished(envelope: Envelope) -> bool:
        # With a new budget the run continues past the RunFinished that is already in its log.
        return isinstance(envelope.message, RunFinished) and envelope.seq > before

    stopped: list[str] = []

    def stop(reason: str) -> None:
        stopped.append(reason)
        supervisor.stop()

    last: Envelope | None = None
    failure: GomeError | None = None
    resources.forward.countdown.start(log, scenario.budget)
    async with anyio.create_task_group() as group:
        group.start_soon(announce_deadline, log, scenario.budget, ending)
        group.start_soon(attend, folder, log, artefacts, stop)
        try:
            last = await supervisor.run(until=finished)
        except GomeError as error:  # raised below, outside the task group, which would wrap it in an ExceptionGroup
            failure = error
        group.cancel_scope.cancel()
    if last is None:
        reason = next(iter(stopped), "interrupted") if failure is None else f"{failure.code}: {failure}"
        with suppress(GomeError):  # where the log itself has failed
            await log.append("session", [Draft(SessionClosed(reason=reason), opens=True)])
    if failure is not None:
        raise failure
    return last.message if last is not None and isinstance(last.message, RunFinished) else None
