"""The forward pass: who asks for a slot first, and what is not needed any more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread

from gome.agents.scripts.execution import ForwardPass
from gome.agents.scripts.known_runs import KnownRuns
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.store.artefacts import Artefacts
from gome.executors.launch import Cause, Launch, Limits, Outcome, Slot
from gome.executors.resources.slots import SlotPool


class House:
    """A harness whose first view takes longest to write, and an executor that notes what it is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.cancelled: list[str] = []
        self.written = anyio.Event()
        self.go_on = anyio.Event()
        self.begun = anyio.Event()

    def data(self, view: str) -> Path:
        if view == "split-0":
            anyio.from_thread.run(self.written.wait)
        return self.folder / view

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        (view,) = (path.name for path in launch.read_only)
        self.ran.append(view)
        self.begun.set()
        try:
            await self.go_on.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled.append(view)
            raise
        return Outcome(cause=Cause.EXIT, words=f"{view} in {slot.index}")

    def forward(self, slots: int) -> ForwardPass:
        house: Any = self
        artefacts = Artefacts(self.folder)
        return ForwardPass(
            executor=house,
            slots=SlotPool([Slot(index=index) for index in range(slots)]),
            harness=house,
            artefacts=artefacts,
            folder=self.folder / "work",
            limits=Limits(),
            importable=frozenset(),
            known=KnownRuns(artefacts),
        )


def request(forward: ForwardPass, split: int) -> ScriptRun:
    ref = forward.artefacts.put_now("print('a script')\n")
    return ScriptRun(script_ref=ref, view=f"split-{split}", seed=7, seconds=5.0)


def test_runs_of_an_owner_ask_for_slots_in_their_turn_whichever_is_ready_first(tmp_path: Path) -> None:
    async def main() -> list[str]:
        house = House(tmp_path)
        forward = house.forward(slots=1)
        async with anyio.create_task_group() as group:
            for split in range(4):

                async def run(split: int = split) -> None:
                    await forward.run(request(forward, split), "runner-0", turn=split + 1)

                group.start_soon(run)
            await anyio.wait_all_tasks_blocked()
            house.go_on.set()
            await forward.run(request(forward, 9), "runner-1", turn=9)  # who has no earlier turn waits for nobody
            house.written.set()
        return house.ran

    assert anyio.run(main) == ["split-9", *(f"split-{split}" for split in range(4))]


def test_what_is_not_needed_any_more_is_ended_and_says_what_it_took(tmp_path: Path) -> None:
    async def main() -> tuple[House, list[ScriptRan]]:
        house = House(tmp_path)
        forward, over, ran = house.forward(slots=1), anyio.Event(), dict[int, ScriptRan]()
        house.written.set()
        async with anyio.create_task_group() as group:
            for split in range(2):

                async def run(split: int = split) -> None:
                    ran[split] = await forward.run(request(forward, split), "runner-0", turn=split + 1, over=over)

                group.start_soon(run)
            await house.begun.wait()
            for coming in list(forward.coming):
                await coming.ready.wait()
            over.set()
        house.go_on.set()
        again = await forward.run(request(forward, 0), "runner-1")
        assert again.cause is Cause.EXIT, "it is run for who needs it"
        return house, [ran[0], ran[1]]

    house, (under_way, waiting) = anyio.run(main)
    assert house.ran == ["split-0", "split-0"]
    assert house.cancelled == ["split-0"]
    assert (under_way.cause, under_way.slot, waiting.cause, waiting.slot) == (Cause.ABANDONED, 0, Cause.ABANDONED, None)
    assert under_way.meter["scripts"] == 1.0
    assert waiting.meter == {}
    assert not any((tmp_path / "work").iterdir()), "nothing of it is left on the disk"
