"""The Ray task that runs one launch on a node: fetch the data, run the script locally, send back the results.

    Order, parcels ──► arrived ──► lines … ──► chunks of artefacts … ──► ended
                                        └──► failed, where the node cannot run the script

It is a generator: each item it yields reaches the control process at once. The script runs under an event loop in a
separate thread, because Ray cancels a task in its main thread.
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
from gome.executors.choose_sandbox import probe
from gome.executors.launch import Launch, Outcome, Slot
from gome.executors.local import LocalExecutor
from gome.executors.processes.collect import discard
from gome.executors.ray.packed_data import Parcel, node_folder, unpack, unpack_once
from gome.executors.resources.gpus import gpus
from gome.executors.sandbox.levels import Sandbox

__all__ = ["Arrived", "Chunk", "Ended", "Failed", "Lines", "Order", "Told", "run_on_node", "sandbox_here"]

_TICK = 0.1
"""Seconds between two checks for new lines; also the maximum delay of a cancellation."""
_LINES = 1000
"""Lines kept between two checks; older ones are dropped."""
_CHUNK = 32 << 20


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Order(_Record):
    """One launch as it is sent to a node.

    `parcels` are the paths, on the control machine, of the contents of the parcels that are sent along, in the same
    order. Paths of the launch that are in no parcel are the same on every machine. `listening`: send lines of output.
    """

    launch: Launch
    slot: Slot
    parcels: tuple[Path, ...]
    listening: bool
    unsandboxed: bool


class Arrived(_Record):
    """The job has started on that node."""

    kind: Literal["arrived"] = "arrived"
    node: str


class Lines(_Record):
    """Lines that the script has printed since the last such record."""

    kind: Literal["lines"] = "lines"
    lines: tuple[str, ...]


class Ended(_Record):
    """The script has ended. Its artefacts were sent before, as chunks."""

    kind: Literal["ended"] = "ended"
    outcome: Outcome


class Failed(_Record):
    """The node could not run the script. `code` is that of the exception, `words` its message."""

    kind: Literal["failed"] = "failed"
    code: str
    words: str


Chunk = tuple[str, bytes]
"""The next bytes of the artefact of that name."""
Told = str | Chunk
"""An item sent by a node: one of the records as JSON, or a chunk."""


def run_on_node(order_text: str, parcels: Sequence[Parcel]) -> Iterator[Told]:
    """Run one launch on this node and yield its events. Nothing of it is left on the node at the end."""
    import ray

    raylet = os.getppid()
    order = Order.model_validate_json(order_text)
    node = ray.get_runtime_context().get_node_id()
    yield Arrived(node=node).model_dump_json()
    job = _job_folder(node_folder() / "jobs")
    try:
        slot = order.slot.model_copy(update={"gpu": _gpu(ray.get_gpu_ids())})
        yield from _events(order, _moved(order, parcels, job, ray.get), slot, raylet)
    except GomeError as error:
        yield Failed(code=error.code, words=str(error)).model_dump_json()
    finally:
        discard(job)


@cache
def sandbox_here(python: Path | None, *, unsandboxed: bool) -> Sandbox:
    """The sandbox of this node, probed once per worker process. Raises SandboxError where none works."""
    return anyio.run(lambda: probe(python, unsandboxed=unsandboxed))


def _job_folder(jobs: Path) -> Path:
    """Create a folder for a job of this worker. Folders of killed workers are removed."""
    jobs.mkdir(exist_ok=True)
    for left in jobs.iterdir():
        if not Path("/proc", left.name.partition("-")[0]).exists():
            with suppress(FileNotFoundError):  # another worker does the same
                discard(left)
    job = jobs / f"{os.getpid()}-{uuid4().hex}"
    job.mkdir()
    return job


def _moved(order: Order, parcels: Sequence[Parcel], job: Path, fetch: Any) -> Launch:
    """The launch with this node's paths, after unpacking its workspace and data."""
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
    """The number N of /dev/nvidiaN for the first GPU that Ray assigned to this job; None without one."""
    devices = gpus()
    number = int(given[0]) if given and str(given[0]).isdigit() else len(devices)
    return devices[number] if number < len(devices) else None


def _events(order: Order, launch: Launch, slot: Slot, raylet: int) -> Iterator[Told]:
    """Run the launch and yield its lines, then its artefacts and the outcome.

    `raylet` is our parent process, which represents this node in the cluster. Once it has ended, the cluster has lost
    the node and repeats the job elsewhere, so the script is ended here and nothing more is sent.
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
                yield from _new_lines(lines)
        finally:
            running.cancel()
    outcome = running.result()
    yield from _new_lines(lines)
    for name, path in outcome.artefacts.items():
        yield from _chunks(name, path)
    yield Ended(outcome=outcome).model_dump_json()


def _new_lines(lines: "deque[str]") -> Iterator[Told]:
    """A record of the lines printed since the last one, if any."""
    taken = tuple(lines.popleft() for _ in range(len(lines)))
    if taken:
        yield Lines(lines=taken).model_dump_json()


def _chunks(name: str, path: Path) -> Iterator[Chunk]:
    """A file in chunks; an empty file is one empty chunk."""
    with path.open("rb") as file:
        yield name, file.read(_CHUNK)
        while piece := file.read(_CHUNK):
            yield name, piece
