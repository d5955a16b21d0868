"""An executor: runs scripts on this machine and writes a line for each run. `executors: {kind: counting}`."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gome.agents.runtime.placement import Placement, open_placement
from gome.executors.launch import Executor, Launch, Outcome, Slot
from gome.scenarios.config.executors import LocalExecutors, PluginExecutors


class Counting:
    """Passes launches on to another executor and appends the cause of each end to a file."""

    def __init__(self, inner: Executor, record: Path) -> None:
        self._inner = inner
        self._record = record

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """Run it, then note how it ended."""
        outcome = await self._inner.run(launch, slot, on_line)
        with self._record.open("a", encoding="utf-8") as file:  # one short line
            file.write(f"{outcome.cause} {outcome.seconds:.2f}\n")
        return outcome


async def counting(settings: PluginExecutors, folder: Path, *, unsandboxed: bool) -> Placement:
    """The entry point: open the executor. `settings.settings["record"]` is the file."""
    here = LocalExecutors.model_validate(settings.model_dump(exclude={"kind", "settings"}) | {"standby": False})
    placement = await open_placement(here, folder, unsandboxed=unsandboxed)
    record = Path(str(settings.settings.get("record", folder / "runs.txt")))
    print(f"script runs are noted in {record}", file=sys.stderr)
    return replace(placement, executor=Counting(placement.executor, record))
