"""Runs scripts on the nodes of a Ray cluster. Log, slots and results stay in the control process.

Ray transports JSON, bytes and references to bytes. It retries nothing (`max_retries=0`): the loss of a node raises
WorkerLost, and the recorded activity repeats the call.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import anyio
import anyio.to_thread
from pydantic import Field, TypeAdapter

from gome.errors import Outage, SandboxError, WorkerLost
from gome.executors.launch import Launch, Outcome, Slot
from gome.executors.ray.connection import Link, described, load_ray, wanted
from gome.executors.ray.node_task import Arrived, Chunk, Ended, Failed, Lines, Order, run_on_node
from gome.executors.ray.packed_data import Parcel, pack, signature

__all__ = ["ClusterExecutor"]

_PATIENCE = 10.0
"""Seconds that a cancelled job has to end in order before its worker is killed."""
_AHEAD = 16
"""Items that a node may send before the first of them is consumed."""
_RECORD = TypeAdapter[Arrived | Lines | Ended | Failed](
    Annotated[Arrived | Lines | Ended | Failed, Field(discriminator="kind")]
)


class ClusterExecutor:
    """An `Executor` whose scripts run on other machines. For use within one event loop.

    `gpus_per_slot` may be a fraction. `shared`: read-only data have the same paths on every node and are not sent.
    `patience`: seconds that a script may wait for room on a node. `unsandboxed`: scripts run without a sandbox.
    """

    def __init__(
        self,
        link: Link,
        *,
        gpus_per_slot: float = 0.0,
        shared: bool = False,
        patience: float = 300.0,
        unsandboxed: bool = False,
    ) -> None:
        self._link = link
        self._gpus = gpus_per_slot
        self._shared = shared
        self._patience = patience
        self._unsandboxed = unsandboxed
        self._packing = Lock()
        self._packed: dict[Path, tuple[object, Parcel]] = {}
        self._task = load_ray().remote(run_on_node)

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """See `Executor.run`. Raises WorkerLost where the node is lost meanwhile."""
        stream = await anyio.to_thread.run_sync(self._submit, launch, slot, on_line is not None)
        try:
            outcome = await self._follow(stream, launch, slot, on_line)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _cancel(stream)
            raise
        with anyio.move_on_after(_PATIENCE):
            await _drained(stream)  # the node removes the job's files before its stream ends
        return outcome

    def _submit(self, launch: Launch, slot: Slot, listening: bool) -> Any:
        """Submit a launch to Ray; returns the stream of items that its node sends."""
        if not launch.workspace.is_dir():
            raise SandboxError(f"no workspace at {launch.workspace}; create the folder first")
        for path in (launch.script, *launch.read_only):
            if not path.exists():
                raise SandboxError(f"{path} does not exist but is needed by a script; create or restore it")
        put = load_ray().put
        parcels = {launch.workspace: pack(launch.workspace, put)}
        if not self._shared:
            parcels |= {path: self._parcel(path) for path in launch.read_only}
        if not launch.script.is_relative_to(launch.workspace):
            parcels[launch.script] = self._parcel(launch.script)
        order = Order(
            launch=launch, slot=slot, parcels=tuple(parcels), listening=listening, unsandboxed=self._unsandboxed
        )
        task = self._task.options(
            num_returns="streaming",
            num_cpus=slot.threads,
            num_gpus=self._gpus,
            max_retries=0,
            scheduling_strategy="SPREAD",
            _generator_backpressure_num_objects=_AHEAD,
        )
        return task.remote(order.model_dump_json(), list(parcels.values()))

    def _parcel(self, path: Path) -> Parcel:
        """The parcel of a path; packed again where something was written there."""
        with self._packing:
            found = signature(path)
            known = self._packed.get(path)
            if known is None or known[0] != found:
                known = self._packed[path] = (found, pack(path, load_ray().put))
            return known[1]

    async def _follow(self, stream: Any, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None) -> Outcome:
        """Consume a job's stream until its end; artefacts are written as they arrive."""
        destination = launch.collected or launch.workspace.with_name(f"{launch.workspace.name}.collected")
        artefacts: dict[str, Path] = {}
        node = await self._arrival(stream, slot)
        while True:
            match await _next(stream, node):
                case Lines(lines=lines):
                    _hand_on(lines, on_line)
                case Ended(outcome=outcome):
                    return outcome.model_copy(update={"artefacts": artefacts})
                case Failed(code=code, words=words):
                    failure = Outage if code == Outage.code else SandboxError
                    raise failure(f"on node {await anyio.to_thread.run_sync(_host, node)}: {words}")
                case (str(name), bytes(piece)):
                    target = destination / name
                    await anyio.to_thread.run_sync(_add, target, piece, name in artefacts)
                    artefacts[name] = target
                case _:
                    raise WorkerLost(f"node {await anyio.to_thread.run_sync(_host, node)} has left the cluster")

    async def _arrival(self, stream: Any, slot: Slot) -> str:
        """Id of the node on which the job starts. Raises Outage where none has room within `patience`."""
        with anyio.move_on_after(self._patience):
            match await _next(stream, ""):
                case Arrived(node=node):
                    return node
                case _:
                    raise WorkerLost("a node has left the cluster")
        nodes = await anyio.to_thread.run_sync(self._link.nodes)
        raise Outage(
            f"no node had room for a script within {self._patience:g} s (executors.scheduling_timeout). A slot takes "
            f"{wanted(slot.threads, self._gpus)}; the cluster has {described(nodes)}. Add nodes, or lower "
            "executors.slots, executors.threads or executors.gpus_per_slot; then resume"
        )


def _host(node: str) -> str:
    """The name of a node, with the start of its id."""
    known = next((each for each in load_ray().nodes() if each["NodeID"] == node), None)
    return f"{known['NodeManagerHostname']} ({node[:8]})" if known else node[:8]


def _hand_on(lines: tuple[str, ...], on_line: Callable[[str], None] | None) -> None:
    if on_line is not None:
        for line in lines:
            on_line(line)


async def _next(stream: Any, node: str) -> Arrived | Lines | Ended | Failed | Chunk | None:
    """The next item of a job; None at its end. Raises WorkerLost for a lost node, SandboxError for a failed task."""
    exceptions = load_ray().exceptions
    try:
        reference = await anext(stream, None)
        item = None if reference is None else await reference
    except exceptions.RayTaskError as error:
        reason = str(error).strip().splitlines()[-1]
        raise SandboxError(
            f"node {node[:8]} cannot run scripts: {reason}. "
            "Install the same version of gome, with its extra `ray`, on every node of the cluster"
        ) from error
    except exceptions.RayError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WorkerLost(f"node {node[:8]} was lost while it ran a script: {reason}") from error
    return _RECORD.validate_json(item) if isinstance(item, str) else item


async def _cancel(stream: Any) -> None:
    """End a job: in order if possible, otherwise by killing its worker. Waits for its end, at most 10 s each way."""
    ray = load_ray()
    with anyio.move_on_after(_PATIENCE):
        await anyio.to_thread.run_sync(partial(ray.cancel, stream, force=False))
        await _drained(stream)
        return
    await anyio.to_thread.run_sync(partial(ray.cancel, stream, force=True))
    with anyio.move_on_after(_PATIENCE):
        await _drained(stream)


async def _drained(stream: Any) -> None:
    """Consume and discard a job's stream until its end."""
    try:
        async for reference in stream:
            await reference
    except load_ray().exceptions.RayError:
        return


def _add(target: Path, piece: bytes, begun: bool) -> None:
    """Write the next piece of an artefact."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab" if begun else "wb") as out:
        out.write(piece)
