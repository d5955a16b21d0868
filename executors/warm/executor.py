"""No cold starts: beside each slot waits a warm interpreter, and each script is a fork of it.

    seat ──► imports, once ──► ready ──► a script ──► verified whole ──► the next script
                                                         └── in doubt ──► dismissed, and a fresh one is seated

A template is started as a script would be: in a sandbox of its own, under the same limits, on the script's path. What
changes from script to script is put into its place (`template`), and a fork in namespaces of its own becomes the script
(`forking`), which finds all as in a cold start. Limits count from the hand-over.

A template is used again only where it has told of the script's end and nothing of it is left. Where that is in doubt
the whole sandbox is killed, and the next template imports anew. The first script beside a slot waits for the imports:
it would only make them once more.

A script goes cold where no template can be had, where it needs what a waiting process can no longer change (another
interpreter or environment, other mounts), and where its source speaks of environment variables: libraries read
them as they are imported. The other levels of the sandbox show real paths, which nobody knows beforehand: always cold.
"""

import json
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from uuid import uuid4

import anyio
import anyio.to_thread

from gome.errors import SandboxError
from gome.executors.launch import WORK, Launch, Outcome, Slot
from gome.executors.local import LocalExecutor
from gome.executors.processes.collect import discard
from gome.executors.processes.supervise import Supervision
from gome.executors.sandbox.levels import Sandbox, SandboxLevel
from gome.executors.warm import imports as warmup
from gome.executors.warm.template import Needs, Template, furnish, own_launch, start
from gome.executors.warm.turn import Turn

__all__ = ["WarmExecutor"]

_SPEAKS_OF_ENVIRONMENT = (b"environ", b"putenv")
_MOST_ARGUMENTS = 1 << 14
"""Bytes of arguments that are handed over without waiting for who reads them."""
_KEEPERS = 1
"""How many of the processes that are watched for a script are not its own."""
_PATIENCE = 20.0
"""Seconds that a script waits for a template that still imports."""
_MOST_FAILURES = 2
"""Templates in a row that cannot fork a script, until none is started any more."""


class WarmExecutor:
    """An `Executor` on this machine with a warm interpreter beside each slot that was used; `aclose` it.

    `folder` is for the templates alone, on the file system of the workspaces, in a folder that is there. `changing` are
    the paths, as scripts see them, of folders that differ from one launch to the next; `libraries` are imported
    beforehand. `handed_over` counts the scripts that were spared a cold start.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        folder: Path,
        changing: Collection[Path] = (),
        libraries: Collection[str] = warmup.LIBRARIES,
    ) -> None:
        self.sandbox = sandbox
        self.handed_over = 0
        self._local = LocalExecutor(sandbox)
        self._folder = folder
        self._changing = frozenset(changing)
        self._libraries = tuple(libraries)
        self._waiting: dict[int, Template] = {}
        self._failures = 0

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """See `Executor.run`."""
        if not await anyio.to_thread.run_sync(self._suits, launch):
            return await self._local.run(launch, slot, on_line)
        await self.seat(launch, slot)
        with anyio.move_on_after(_PATIENCE):
            await self.ready(slot)
        template = await self._take(Needs.of(launch, slot, self._changing))
        outcome = None if template is None else await self._warm(template, launch, slot, on_line)
        await self.seat(launch, slot)
        return await self._local.run(launch, slot, on_line) if outcome is None else outcome

    async def seat(self, launch: Launch, slot: Slot) -> None:
        """Start a template for launches like this one, unless one waits beside the slot or none can be had.

        Raises SandboxError and Outage as `run` does.
        """
        if slot.index in self._waiting or self._failures >= _MOST_FAILURES:
            return
        token = uuid4().hex
        folder = self._folder / f"{slot.index}-{token}"
        own = own_launch(launch, folder, self._changing)
        python = await anyio.to_thread.run_sync(furnish, own, folder, self.sandbox.user(slot))
        needs = Needs.of(launch, slot, self._changing)
        command = self.sandbox.command(own, slot, python, token)
        self._waiting[slot.index] = start(command, needs, token, folder, self._libraries)

    async def ready(self, slot: Slot) -> bool:
        """Wait until the template beside that slot has imported all; False where there is none."""
        template = self._waiting.get(slot.index)
        return template is not None and await template.until_ready()

    async def aclose(self) -> None:
        """End all that wait, and clear the folder, also of what a killed process has left there."""
        while self._waiting:
            _, template = self._waiting.popitem()
            await self._dismiss(template)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(discard, self._folder)

    async def _take(self, needs: Needs) -> Template | None:
        """The template beside the slot, where it is ready; it waits there no more.

        One that still imports stays for the next script; one that has died, or that does not fit, is dismissed.
        """
        template = self._waiting.get(needs.slot.index)
        if template is None:
            return None
        alive, ready = template.process.running, template.ready
        if not alive and not ready:
            self._failures += 1
        fits = alive and template.needs == needs
        if fits and not ready:
            return None
        del self._waiting[needs.slot.index]
        if fits:
            return template
        await self._dismiss(template)
        return None

    async def _warm(
        self, template: Template, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None
    ) -> Outcome | None:
        """Run a script on a template that is ready; None where it could not be begun, and all is as before."""
        turn, outcome = None, None
        try:
            user = self.sandbox.user(slot)
            moved, mounts = await anyio.to_thread.run_sync(template.fill, launch, user, self._changing)
            turn = template.hand_over(launch.arguments, mounts)
            watch = Supervision(turn, moved, _KEEPERS, on_line)
            outcome = await self._local.hold(watch, moved, partial(self._ended, template, turn))
            self.handed_over += 1
            self._failures = 0
        except SandboxError:
            if turn is None or not turn.unborn:
                raise
            self._failures += 1
        finally:
            with anyio.CancelScope(shield=True):
                told = turn is not None and await turn.end()
                cleared = await anyio.to_thread.run_sync(template.clear, launch.workspace)
                if told and cleared and await anyio.to_thread.run_sync(template.is_whole):
                    self._waiting[slot.index] = template
                else:
                    await self._dismiss(template)
        return outcome

    async def _ended(self, template: Template, turn: Turn) -> int | None:
        """See that nothing of a script is left: where its end was not told, kill it with its template."""
        if not await turn.end() or not template.process.running:
            await self._local.end(template.process, template.token)
        return None if turn.unborn else turn.returncode

    async def _dismiss(self, template: Template) -> None:
        """End a template, where that was not done, and clear its folder."""
        with anyio.CancelScope(shield=True):
            template.control.close()
            if template.process.returncode is None:
                await self._local.end(template.process, template.token)
            template.process.close()
            await anyio.to_thread.run_sync(discard, template.folder)

    def _suits(self, launch: Launch) -> bool:
        """Whether this script could be handed to a standby at all."""
        if self.sandbox.level is not SandboxLevel.BUBBLEWRAP or "PYTHONPATH" in launch.environment:
            return False
        device = self._folder.parent.stat().st_dev
        changing = {seen: real for real, seen in launch.read_only.items() if seen in self._changing}
        if not all(each.is_dir() and each.stat().st_dev == device for each in (launch.workspace, *changing.values())):
            return False
        covered = {WORK, *changing}
        if any(covered & set(seen.parents) for seen in launch.read_only.values()):
            return False  # what is laid over a folder would hide that
        if not launch.script.is_file() or len(json.dumps(launch.arguments)) > _MOST_ARGUMENTS:
            return False
        source = launch.script.read_bytes()
        return not any(word in source for word in _SPEAKS_OF_ENVIRONMENT)
