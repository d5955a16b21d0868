"""Executor without cold starts: one warm interpreter (a *template*) per slot, and each script is a fork of it.

    seat ──► imports, once ──► ready ──► a script ──► verified clean ──► the next script
                                                         └── not clean ──► dismissed; a new template is started

A template is started like a script: in its own sandbox, under the same limits, with the script's path. The files that
differ between scripts are moved into the template's folder (`template`), and a fork in its own namespaces becomes the
script (`forking`), which finds the same environment as after a cold start. Limits count from the hand-over.

A template is reused only if it has reported the script's end and nothing of the script is left. Otherwise its whole
sandbox is killed, and a new template imports the libraries again. The first script of a slot waits for the imports,
since it would have to make them itself.

A script starts cold where no template is available, where it needs something that a running template cannot change
(another interpreter, environment or mount), and where its source mentions environment variables, because libraries read
those on import. The other sandbox levels always start cold: they show real paths, which are not known in advance.
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
from gome.executors.warm.forked_script import Turn
from gome.executors.warm.template import Needs, Template, furnish, own_launch, start

__all__ = ["WarmExecutor"]

_ENVIRONMENT_USE = (b"environ", b"putenv")
"""Source text that indicates the use of environment variables."""
_MOST_ARGUMENTS = 1 << 14
"""Maximum size of the arguments as JSON, in bytes, so that sending them to the template never blocks."""
_KEEPERS = 1
"""Number of supervised processes that are not the script's own: the keeper of its namespaces."""
_PATIENCE = 20.0
"""Seconds that a script waits for a template to finish its imports."""
_MOST_FAILURES = 2
"""Failures of templates in a row after which no more are started."""


class WarmExecutor:
    """An `Executor` on this machine with a warm interpreter for each slot that was used. Call `aclose` at the end.

    `folder` is used for templates only. Its parent must exist, on the same file system as the workspaces. `changing`
    are the paths, as scripts see them, of folders that differ between launches; `libraries` are the modules to import
    in advance. `handed_over` counts the scripts that ran without a cold start.
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
        """Start a template for launches like this one, unless the slot has one or templates have failed repeatedly.

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
        """Wait until the slot's template has finished its imports; False where there is none or it has ended."""
        template = self._waiting.get(slot.index)
        return template is not None and await template.until_ready()

    async def aclose(self) -> None:
        """End all templates and remove the folder, including what a killed process has left there."""
        while self._waiting:
            _, template = self._waiting.popitem()
            await self._dismiss(template)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(discard, self._folder)

    async def _take(self, needs: Needs) -> Template | None:
        """Remove and return the slot's template, where it is ready and fits; else None.

        One that is still importing stays for the next script; one that has ended or does not fit is dismissed.
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
        """Run a script on a ready template. Returns None where it could not be started, with the launch unchanged."""
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
                reported = turn is not None and await turn.end()
                cleared = await anyio.to_thread.run_sync(template.clear, launch.workspace)
                if reported and cleared and await anyio.to_thread.run_sync(template.is_whole):
                    self._waiting[slot.index] = template
                else:
                    await self._dismiss(template)
        return outcome

    async def _ended(self, template: Template, turn: Turn) -> int | None:
        """Make sure that nothing of a script is left: where the template did not report its end, kill both."""
        if not await turn.end() or not template.process.running:
            await self._local.end(template.process, template.token)
        return None if turn.unborn else turn.returncode

    async def _dismiss(self, template: Template) -> None:
        """Kill a template that is still running, close it and remove its folder."""
        with anyio.CancelScope(shield=True):
            template.control.close()
            if template.process.returncode is None:
                await self._local.end(template.process, template.token)
            template.process.close()
            await anyio.to_thread.run_sync(discard, template.folder)

    def _suits(self, launch: Launch) -> bool:
        """Whether this launch can run on a template at all."""
        if self.sandbox.level is not SandboxLevel.BUBBLEWRAP or "PYTHONPATH" in launch.environment:
            return False
        device = self._folder.parent.stat().st_dev
        changing = {seen: real for real, seen in launch.read_only.items() if seen in self._changing}
        if not all(each.is_dir() and each.stat().st_dev == device for each in (launch.workspace, *changing.values())):
            return False
        covered = {WORK, *changing}
        if any(covered & set(seen.parents) for seen in launch.read_only.values()):
            return False  # mounting a changing folder would hide a mount below it
        if not launch.script.is_file() or len(json.dumps(launch.arguments)) > _MOST_ARGUMENTS:
            return False
        source = launch.script.read_bytes()
        return not any(word in source for word in _ENVIRONMENT_USE)
