"""An executor for the benchmarks' own scripts: each runs in a fork of a warm interpreter.

Starting Python and importing pandas and scikit-learn is half of the time of a small script, and thousands are run. A
fork gives the same outcome as a cold start, with byte-identical predictions (tests/benchmarks/test_warm.py). Scripts
are not sandboxed, they only have time limits: they come from gome's own expert, and the sandbox is not measured here.
(Real runs use the warm interpreters of `gome.executors.warm`, where each script has its own namespaces.) Each slot has
a template process, started with the slot's first script.
"""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from gome.errors import SandboxError
from gome.executors.command import environment, translate
from gome.executors.launch import Cause, Launch, Outcome, Slot
from gome.executors.processes.capture import HeadTail, Lines
from gome.executors.processes.collect import collect
from gome.executors.processes.limits import loss_is_nan

__all__ = ["WarmExecutor", "warm_executor"]

_PROGRAM = Path(__file__).with_name("template.py")
_LONGEST = 1 << 20


@dataclass
class _Template:
    """The template process of one slot."""

    process: Process
    replies: BufferedByteReceiveStream

    async def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run one script, which is killed if this is cancelled. Raises SandboxError where the process has ended."""
        assert self.process.stdin is not None
        try:
            with anyio.CancelScope(shield=True):
                await self.process.stdin.send(f"{json.dumps(asked)}\n".encode())
                child: int = (await self._reply())["child"]
            try:
                return await self._reply()
            except anyio.get_cancelled_exc_class():
                with anyio.CancelScope(shield=True):
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                    await self._reply()  # else it would be taken for that of the next script
                raise
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead) as error:
            raise SandboxError("the template process of the benchmark's scripts has ended; start it again") from error

    async def _reply(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.replies.receive_until(b"\n", _LONGEST))
        return answer


@dataclass
class WarmExecutor:
    """An `Executor`, created by `warm_executor`. It ignores the interpreter that a launch names."""

    stack: AsyncExitStack
    home: Path
    templates: dict[int, _Template] = field(default_factory=dict)

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """See `Executor.run`; `on_line` is called only after the script has ended."""
        template = await self._template(launch, slot)
        await anyio.Path(launch.workspace / "out").mkdir(exist_ok=True)
        asked = {
            "script": str(launch.script),
            "arguments": [translate(each, launch) for each in launch.arguments],
            "workspace": str(launch.workspace),
            "wall": launch.limits.wall,
            "cpu": launch.limits.cpu,
        }
        ended = await template.run(asked)
        return await anyio.to_thread.run_sync(_outcome, launch, ended, on_line)

    async def _template(self, launch: Launch, slot: Slot) -> _Template:
        if slot.index not in self.templates:
            process = await anyio.open_process(
                [sys.executable, str(_PROGRAM)],
                stderr=None,
                start_new_session=True,
                env=environment(launch, "", slot.threads, str(self.home)),
            )
            self.stack.push_async_callback(_end, process)
            assert process.stdout is not None
            self.templates[slot.index] = _Template(process, BufferedByteReceiveStream(process.stdout))
        return self.templates[slot.index]


@asynccontextmanager
async def warm_executor() -> AsyncIterator[WarmExecutor]:
    """Create an executor; its processes are ended when the block is left."""
    with TemporaryDirectory() as home:
        async with AsyncExitStack() as stack:
            yield WarmExecutor(stack, Path(home))


async def _end(process: Process) -> None:
    """Kill the template and the script that it may be waiting for: both are in its process group."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    await process.aclose()


def _outcome(launch: Launch, ended: dict[str, Any], on_line: Callable[[str], None] | None) -> Outcome:
    """Convert to the outcome that a cold start would give."""
    lines = {name: _lines(launch.workspace, name) for name in ("stdout", "stderr")}
    if on_line is not None:
        for line in lines["stdout"]:
            on_line(line)
    status: int = ended["status"]
    limits = launch.limits
    nan = next(filter(None, map(loss_is_nan, lines["stdout"])), None)
    cause, words = Cause.OK, "ended well"
    if nan is not None:
        cause, words = Cause.NOT_A_NUMBER, nan
    elif ended["late"]:
        cause, words = Cause.TIMEOUT, f"ran longer than {limits.wall:g} s"
    elif status == -signal.SIGXCPU and limits.cpu is not None:
        cause, words = Cause.CPU, f"used more than {limits.cpu:g} s of CPU time"
    elif status:
        cause = Cause.EXIT if status > 0 else Cause.SIGNAL
        words = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
    destination = launch.collected or launch.workspace.with_name(f"{launch.workspace.name}.collected")
    taken, refused = collect(launch.workspace / "out", launch.artefacts, destination, limits.artefact)
    return Outcome(
        cause=cause,
        words=words,
        exit_status=status if cause in (Cause.OK, Cause.EXIT) else None,
        signal=-status if cause is Cause.SIGNAL else None,
        seconds=ended["seconds"],
        cpu_seconds=ended["cpu"],
        peak_memory=ended["memory"],
        stdout=_text(lines["stdout"]),
        stderr=_text(lines["stderr"]),
        artefacts=taken,
        refused_artefacts=refused,
        sandbox="none",
    )


def _lines(workspace: Path, name: str) -> list[str]:
    split = Lines()
    path = workspace.with_name(f"{workspace.name}.{name}")
    return split.feed(path.read_bytes()) + split.close() if path.exists() else []


def _text(lines: list[str]) -> str:
    kept = HeadTail()
    kept.add(lines)
    return kept.text()
