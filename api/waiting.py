"""Run asynchronous work from synchronous code, also inside a running event loop such as a notebook's."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from anyio.from_thread import start_blocking_portal

__all__ = ["wait_for"]

Result = TypeVar("Result")


def wait_for(work: Callable[[], Awaitable[Result]], interrupt: Callable[[], None] | None = None) -> Result:
    """Run `work` on an event loop in a thread of its own and return its result, or raise what it raises.

    The first ^C calls `interrupt` on that loop, which is to end the work in order; the second, or the first without
    `interrupt`, cancels the work.
    """
    with start_blocking_portal("asyncio") as portal:
        running = portal.start_task_soon(work)
        try:
            return running.result()
        except KeyboardInterrupt:
            if interrupt is None:
                running.cancel()
                raise
            portal.call(interrupt)
        try:
            return running.result()
        except KeyboardInterrupt:
            running.cancel()
            raise
