"""Slots are assigned fairly, with priority by `turn`, and come back however their holder ends."""

import os
import sys
from pathlib import Path

import anyio
import pytest

from gome.errors import UsageError
from gome.executors.launch import Launch, Slot
from gome.executors.resources.gpus import gpus
from gome.executors.resources.interpreter import interpreter
from gome.executors.resources.slots import SlotPool, discover
from gome.executors.sandbox import bubblewrap


def serve(pool: SlotPool, wishes: list[tuple[str, bool]]) -> list[str]:
    """The order in which these owners get the only slot, all waiting while it is occupied."""
    served: list[str] = []

    async def ask(owner: str, urgent: bool) -> None:
        async with pool.take(owner, turn=0 if urgent else 1):
            served.append(owner)

    async def main() -> None:
        async with anyio.create_task_group() as group, pool.take("first"):
            for owner, urgent in wishes:
                group.start_soon(ask, owner, urgent)
                await anyio.wait_all_tasks_blocked()

    anyio.run(main)
    return served


async def free(pool: SlotPool) -> int:
    """How many slots can be taken at once now."""
    taken: set[int] = set()

    async def take() -> None:
        async with pool.take("counts") as slot:
            taken.add(slot.index)
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        for _ in range(len(pool.slots) + 1):
            group.start_soon(take)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    return len(taken)


def test_owners_take_turns() -> None:
    wishes = [("a", False), ("a", False), ("a", False), ("b", False), ("b", False), ("c", False)]
    assert serve(SlotPool([Slot(index=0)]), wishes) == ["a", "b", "c", "a", "b", "a"]


def test_finish_work_goes_first_and_takes_turns_too() -> None:
    wishes = [("a", False), ("x", True), ("x", True), ("y", True)]
    assert serve(SlotPool([Slot(index=0)]), wishes) == ["x", "y", "x", "a"]


def test_one_slot_one_script_and_no_slot_idle_while_somebody_waits() -> None:
    pool = SlotPool([Slot(index=0), Slot(index=1)])
    held: set[int] = set()
    most = 0

    async def work(owner: str) -> None:
        nonlocal most
        for _ in range(5):
            async with pool.take(owner) as slot:
                assert slot.index not in held
                held.add(slot.index)
                most = max(most, len(held))
                await anyio.sleep(0.001)
                held.remove(slot.index)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for owner in "abcd":
                group.start_soon(work, owner)

        assert await free(pool) == 2

    anyio.run(main)
    assert most == 2


def test_who_gives_up_waiting_or_fails_holds_nothing() -> None:
    pool = SlotPool([Slot(index=0)])

    async def main() -> None:
        async with pool.take("a"):
            with anyio.move_on_after(0.01):
                async with pool.take("b"):
                    pytest.fail("the slot is held")
        with pytest.raises(RuntimeError, match="script"):
            async with pool.take("a"):
                raise RuntimeError("script")
        assert await free(pool) == 1

    anyio.run(main)


def test_who_is_cancelled_in_the_moment_of_being_served_gives_the_slot_back() -> None:
    pool = SlotPool([Slot(index=0)])

    async def main() -> None:
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                async with pool.take("b"):
                    await anyio.sleep_forever()

            async with pool.take("a"):
                group.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert await free(pool) == 1

    anyio.run(main)


def test_no_slots_are_an_error_of_the_user() -> None:
    with pytest.raises(UsageError, match=r"executors\.slots"):
        SlotPool([])


def test_cores_are_dealt_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 3, 6, 7})
    assert [(slot.cpus, slot.threads) for slot in discover(2)] == [((2, 3), 2), ((6, 7), 2)]
    assert [slot.cpus for slot in discover()] == [(2,), (3,), (6,), (7,)]
    assert [slot.cpus for slot in discover(6, 1)] == [(2,), (3,), (6,), (7,), (2,), (3,)]
    assert [slot.cpus for slot in discover(1, 2)] == [(2, 3)]
    with pytest.raises(UsageError):
        discover(0)


def test_each_slot_has_one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gome.executors.resources.slots.gpus", lambda: (0, 3))
    assert [slot.gpu for slot in discover()] == [0, 3]
    assert [slot.gpu for slot in discover(3)] == [0, 3, 0]


def test_gpus_are_those_that_the_driver_knows_and_that_are_there(tmp_path: Path) -> None:
    driver, devices = tmp_path / "nvidia", tmp_path / "dev"
    devices.mkdir()
    for bus, minor in (("0000:01:00.0", 1), ("0000:02:00.0", 0), ("0000:03:00.0", 2)):
        (driver / "gpus" / bus).mkdir(parents=True)
        (driver / "gpus" / bus / "information").write_text(f"Model:  H200\nDevice Minor: \t {minor}\nBlacklisted: No\n")
    for minor in (0, 1):
        (devices / f"nvidia{minor}").touch()
    assert gpus(driver, devices) == (0, 1)
    assert gpus(tmp_path / "none", devices) == ()


def test_a_script_is_shown_the_gpu_of_its_slot_alone(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    launch = Launch(script=workspace / "solution.py", workspace=workspace)
    python = interpreter(Path(sys.executable))
    with_gpu, without = (
        bubblewrap.command(Path("bwrap"), launch, slot, python, "token")
        for slot in (Slot(index=0, gpu=3), Slot(index=1))
    )
    words = with_gpu.options.decode().split("\0")
    bound = [words[place + 1] for place, word in enumerate(words) if word == "--dev-bind"]
    assert bound == ["/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia3"]
    assert with_gpu.environment["CUDA_VISIBLE_DEVICES"] == "0"
    assert b"nvidia" not in without.options
    assert without.environment["CUDA_VISIBLE_DEVICES"] == ""
