"""An executor for the expert's own scripts: one process runs them all, one after the other, without a sandbox.

A script of a crossover fits a small table in a fifth of a second. Started by the product's executors it costs three to
four times that, for namespaces, a fork, supervision and copies. The scripts of the rule-based expert need none of it:
they are made of parts that are in this repository. Never for scripts of a language model.
"""

import io
import json
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, redirect_stderr, redirect_stdout
from subprocess import PIPE
from time import monotonic, process_time
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from gome.executors.launch import Cause, Launch, Outcome, Slot

__all__ = ["OneProcess"]

_LONGEST = 1 << 26
_ENDS = {
    -signal.SIGPROF: (Cause.CPU, "used more than its processor time"),
    -signal.SIGALRM: (Cause.TIMEOUT, "took more than its time"),
}
"""How the process's end is told; SIGALRM stands for the wall-clock limit."""
_IMPORTS = ("pandas", "sklearn.compose", "sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline")
"""What the expert's scripts import, so that none of them waits for it."""


class OneProcess:
    """An `Executor`: the arguments are the product's, limits are wall-clock and processor time. Call `aclose`.

    Args:
        imports: modules that the process imports before its first script.
    """

    def __init__(self, imports: Sequence[str] = _IMPORTS) -> None:
        self._imports = imports
        self._turn = anyio.Lock()
        self._process: Process | None = None
        self._answers: BufferedByteReceiveStream | None = None

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """See `Executor.run`; lines are not told. A script that was cancelled ends with the process."""
        (launch.workspace / "out").mkdir(exist_ok=True)
        seen = {str(path): str(real.absolute()) for real, path in launch.read_only.items()}
        asked = {
            "script": str(launch.script.absolute()),
            "folder": str(launch.workspace.absolute()),
            "arguments": [seen.get(each, each) for each in launch.arguments],
            "cpu": launch.limits.cpu or launch.limits.wall,
        }
        async with self._turn:
            began, answer = monotonic(), {"ended": -signal.SIGALRM}
            try:
                with anyio.move_on_after(launch.limits.wall):
                    answer = await self._ask(asked)
            finally:
                if "ended" in answer:
                    await self.aclose()
        seconds = monotonic() - began
        if "ended" in answer:
            cause, words = _ENDS.get(answer["ended"], (Cause.SIGNAL, "ended its process"))
            return Outcome(cause=cause, words=words, seconds=seconds, sandbox="none")
        return _outcome(launch, answer, seconds)

    async def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Have the process run a script; "ended" is the process's status where it has ended over it."""
        if self._process is None:
            command = [sys.executable, "-m", __name__, *self._imports]
            self._process = await anyio.open_process(command, stdin=PIPE, stdout=PIPE)
            if self._process.stdout is not None:
                self._answers = BufferedByteReceiveStream(self._process.stdout)
        if self._process.stdin is None or self._answers is None:
            raise ValueError("the process was opened without pipes")
        await self._process.stdin.send(f"{json.dumps(asked)}\n".encode())
        try:
            found: dict[str, Any] = json.loads(await self._answers.receive_until(b"\n", _LONGEST))
        except (anyio.IncompleteRead, anyio.EndOfStream):
            return {"ended": await self._process.wait()}
        return found

    async def aclose(self) -> None:
        """End the process; the next script starts another."""
        process, self._process, self._answers = self._process, None, None
        if process is not None:
            with anyio.CancelScope(shield=True):
                async with AsyncExitStack() as stack:
                    stack.push_async_callback(process.aclose)
                    if process.returncode is None:
                        process.kill()


def _outcome(launch: Launch, answer: dict[str, Any], seconds: float) -> Outcome:
    status: int = answer["status"]
    out = launch.workspace / "out"
    return Outcome(
        cause=Cause.EXIT if status else Cause.OK,
        words=f"ended with status {status}" if status else "ended well",
        exit_status=status,
        seconds=seconds,
        cpu_seconds=answer["cpu"],
        stdout=answer["stdout"],
        stderr=answer["stderr"],
        artefacts={name: out / name for name in launch.artefacts if (out / name).is_file()},
        sandbox="none",
    )


def _serve() -> None:
    """Run the scripts that standard input names, one a line, and answer each with a line of JSON."""
    for name in sys.argv[1:]:
        __import__(name)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin:
        asked = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, asked["cpu"])  # the default action ends the process
        print(json.dumps(_ran(asked)), file=answers, flush=True)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _ran(asked: dict[str, Any]) -> dict[str, Any]:
    os.chdir(asked["folder"])
    sys.argv = [asked["script"], *asked["arguments"]]
    printed, errors, status = io.StringIO(), io.StringIO(), 0
    began = process_time()
    with redirect_stdout(printed), redirect_stderr(errors):
        try:
            runpy.run_path(asked["script"], run_name="__main__")
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        except BaseException:  # noqa: BLE001 - whatever a script raises ends the script alone
            traceback.print_exc()
            status = 1
    cpu = process_time() - began
    return {"status": status, "cpu": cpu, "stdout": printed.getvalue(), "stderr": errors.getvalue()}


if __name__ == "__main__":
    _serve()
