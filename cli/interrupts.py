"""^C while a run works: the first stops it in order, the second leaves at once."""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio

from gome.agents.protocol.activities import QUESTION
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.stopping import waiting_words
from gome.bus.actors.supervisor import Supervisor
from gome.cli.exit_statuses import INTERRUPTED
from gome.errors import GomeError
from gome.viewer.output import say_aside

if TYPE_CHECKING:
    from gome.agents.runtime.lifecycle import Ready

__all__ = ["Work", "interruptible"]

Work = Callable[["Ready"], Awaitable[RunFinished | None]]
"""Runs or resumes a run to its end. Calls its argument once the run has a supervisor that can stop it."""


async def interruptible(work: Work) -> RunFinished | None:
    """Run `work`. The first ^C stops it cleanly, the second exits the process at once."""
    supervisors: list[Supervisor] = []
    finished: RunFinished | None = None
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_handle_interrupts, supervisors, group.cancel_scope)
            finished = await work(supervisors.append)
            group.cancel_scope.cancel()
    except BaseExceptionGroup as failures:
        raise _first_gome_error(failures) from None
    return finished


def _first_gome_error(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first GomeError of the group, which has a message for the user; the whole group where there is none."""
    first: BaseException | None = failures.subgroup(GomeError)
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first or failures


async def _handle_interrupts(supervisors: list[Supervisor], scope: anyio.CancelScope) -> None:
    pressed = False
    with anyio.open_signal_receiver(signal.SIGINT) as interrupts:
        async for _ in interrupts:
            if pressed:
                os._exit(INTERRUPTED)
            pressed = True
            answers = supervisors[0].in_flight(QUESTION) if supervisors else 0
            say_aside(f"stopping: {waiting_words(answers)}; ^C again exits at once")
            if supervisors:
                supervisors[0].stop()
            else:  # nothing has begun yet
                scope.cancel()
