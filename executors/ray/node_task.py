"""What a node does for one launch: fetch the data, run the script by the local executor, send back what came of it.

    Order, parcels ──► arrived ──► lines … ──► chunks of artefacts … ──► ended
                                        └──► failed, where the node cannot do it

A generator, run as a task of Ray: each thing it yields reaches the control process at once. The script runs under an
event loop in a thread of its own, because a task of Ray is cancelled in its first thread.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import anyio
from anyio.from_thread import start_blocking_portal
from pydantic import BaseModel, ConfigDict

from gome.errors import GomeError
from gome.executors.launch import Launch, Outcome, Slot
from gome.executors.local import LocalExecutor
from gome.executors.processes.collect import discard
from gome.executors.ray.parcels import Parcel, node_folder, unpack, unpack_once
from gome.executors.resources.gpus import gpus
from gome.executors.sandbox.levels import Sandbox
from gome.executors.sandbox_probe import probe

__all__ = ["Arrived", "Chunk", "Ended", "Failed", "Lines", "Order", "Told", "run_on_node", "sandbox_here"]

_TICK = 0.1
"""Seconds between two looks for new lines, and the longest that a request to stop waits."""
_LINES = 1000
"""Lines kept between two looks: nobody reads a flood line by line."""
_CHUNK = 32 << 20


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Order(_Record):
    """One launch as a node gets it.

    `parcels` says what lies in the parcels that come with it, in their order: the path on the control machine of each.
    What of the launch is in none of them has the same path on every machine. `listening`: somebody wants the lines.
    """

    launch: Launch
    slot: Slot
    parcels: tuple[Path, ...]
    listening: bool
    unsandboxed: bool


class Arrived(_Record):
    """The job has begun on that node."""

    kind: Literal["arrived"] = "arrived"
    node: str


class Lines(_Record):
    """Lines that the script has printed since."""

    kind: Literal["lines"] = "lines"
    lines: tuple[str, ...]


class Ended(_Record):
    """The script has ended. The artefacts of the outcome are the chunks that came before."""

    kind: Literal["ended"] = "ended"
    outcome: Outcome


class Failed(_Record):
    """The node could not run the script; `code` is the error's."""

    kind: Literal["failed"] = "failed"
    code: str
    words: str


Chunk = tuple[str, bytes]
"""The next bytes of the artefact of that name."""
Told = str | Chunk
"""What comes from a node: one of the records as JSON, or a chunk."""


def run_on_node(order_text: str, parcels: Sequence[Parcel]) -> Iterator[Told]:
    """Run one launch on this node and tell what happens. Nothing of it is left on the node when it ends."""
    import ray

    raylet = os.getppid()
    order = Order.model_validate_json(order_text)
    node = ray.get_runtime_context().get_node_id()
    yield Arrived(node=node).model_dump_json()
    job = _job_folder(node_folder() / "jobs")
    try:
        slot = order.slot.model_copy(update={"gpu": _gpu(ray.get_gpu_ids())})
        yield from _told(order, _moved(order, parcels, job, ray.get), slot, raylet)
    except GomeError as error:
        yield Failed(code=error.code, words=str(error)).model_dump_json()
    finally:
        discard(job)


@cache
def sandbox_here(python: Path | None, *, unsandboxed: bool) -> Sandbox:
    """How scripts are held on this node, found out once a worker. Raises SandboxError."""
    return anyio.run(lambda: probe(python, unsandboxed=unsandboxed))


def _job_folder(jobs: Path) -> Path:
    """A new folder for a job of this worker. What workers that were killed have left is removed."""
    jobs.mkdir(exist_ok=True)
    for left in jobs.iterdir():
        if not Path("/proc", left.name.partition("-")[0]).exists():
            with suppress(FileNotFoundError):  # another worker does the same
                discard(left)
    job = jobs / f"{os.getpid()}-{uuid4().hex}"
    job.mkdir()
    return job


def _moved(order: Order, parcels: Sequence[Parcel], job: Path, fetch: Any) -> Launch:
    """The launch with this node's paths, its workspace made and its data there."""
    launch = order.launch
    homes: dict[Path, Path] = {}
    for path, parcel in zip(order.parcels, parcels, strict=True):
        if path == launch.workspace:
            homes[path] = unpack(parcel, job / "own", fetch)
        else:
            homes[path] = unpack_once(parcel, node_folder() / "parcels", fetch)
    workspace = homes[launch.workspace]
    script = homes.get(launch.script, launch.script)
    if launch.script.is_relative_to(launch.workspace):
        script = workspace / launch.script.relative_to(launch.workspace)
    return launch.model_copy(
        update={
            "workspace": workspace,
            "script": script,
            "read_only": {homes.get(real, real): seen for real, seen in launch.read_only.items()},
            "collected": job / "collected",
        }
    )


def _gpu(given: Sequence[int | str]) -> int | None:
    """The device /dev/nvidiaN that Ray's first GPU of this job is; None where there is none, or none is there."""
    devices = gpus()
    number = int(given[0]) if given and str(given[0]).isdigit() else len(devices)
    return devices[number] if number < len(devices) else None


def _told(order: Order, launch: Launch, slot: Slot, raylet: int) -> Iterator[Told]:
    """Run the launch while telling its lines; then the artefacts and the outcome.

    `raylet` is the process that speaks for this node and has started us. Once it is gone the cluster has lost the node,
    the job is done elsewhere, and this is no place to go on: the script is ended and nothing more is told.
    """
    executor = LocalExecutor(sandbox_here(launch.python, unsandboxed=order.unsandboxed))
    lines: deque[str] = deque(maxlen=_LINES)
    with start_blocking_portal() as portal:
        running = portal.start_task_soon(executor.run, launch, slot, lines.append if order.listening else None)
        try:
            while not running.done():
                wait([running], timeout=_TICK)
                if os.getppid() != raylet:
                    return
                yield from _heard(lines)
        finally:
            running.cancel()
    outcome = running.result()
    yield from _heard(lines)
    for name, path in outcome.artefacts.items():
        yield from _chunks(name, path)
    yield Ended(outcome=outcome).model_dump_json()


def _heard(lines: "deque[str]") -> Iterator[Told]:
    """The lines that have come since, where there are any."""
    taken = tuple(lines.popleft() for _ in range(len(lines)))
    if taken:
        yield Lines(lines=taken).model_dump_json()


def _chunks(name: str, path: Path) -> Iterator[Chunk]:
    """A file in pieces; an empty one is one empty piece."""
    with path.open("rb") as file:
        yield name, file.read(_CHUNK)
        while piece := file.read(_CHUNK):
            yield name, piece
