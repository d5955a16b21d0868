"""Settings of script execution: where scripts run, with which limits."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from gome import plugins
from gome.scenarios.config.fields import Bytes, Model, Seconds

__all__ = ["AnyExecutors", "Executors", "LocalExecutors", "PluginExecutors", "RayExecutors", "Timeouts"]


class Timeouts(Model):
    """Limits on the wall time of one script run."""

    debug: Seconds = 600.0
    """Limit on a debug run (a run on a small sample): seconds, or text such as 10min."""
    full: Seconds = 3600.0
    """Limit on a run on the data of one split: seconds, or text such as 1h."""


class Executors(Model):
    """Settings of script execution that do not depend on the machine."""

    slots: Annotated[int, Field(gt=0, le=4096)] | None = None
    """Number of scripts that run at the same time. Default: one per core (`local`), as many as fit (`ray`)."""
    threads: Annotated[int, Field(gt=0, le=4096)] | None = None
    """Threads per script. Default: cores divided by slots (`local`), 1 (`ray`)."""
    memory: Bytes = 4 << 30
    """Memory limit of a script: bytes, or text such as 512MiB, 4GiB."""
    timeout: Timeouts = Timeouts()
    """Limits on the wall time of one script run."""
    debug: Literal["auto"] | bool = "auto"
    """Whether a script is first run on a small sample; `auto`: only if its first full run may take long."""
    repairs: Annotated[int, Field(ge=0, le=1000)] = 10
    """Maximum number of repairs of a failed script."""
    repair_time: Annotated[float, Field(gt=0)] = 4.0
    """No more repairs once a script's debug runs have taken this many times `timeout.debug`."""
    full_tries: Annotated[int, Field(gt=0, le=1000)] = 3
    """No more repairs once a script has failed this many times on the splits."""
    python: str | None = None
    """The Python interpreter that runs scripts. Default: the one that runs gome."""
    assets: tuple[str, ...] = ()
    """Files or folders that scripts may read, such as model weights; paths below the scenario file's folder."""


class LocalExecutors(Executors):
    """Scripts run on this machine."""

    kind: Literal["local"] = "local"
    """Selects this machine."""
    standby: bool = True
    """Whether scripts are forked from a warm interpreter per slot, if memory allows (docs/scaling.md)."""


def _cluster_address(address: str) -> str:
    """Reject an invalid address of a cluster. gome runs on one of its machines."""
    if re.fullmatch(r"auto|local|[\w.-]+:\d+|\[[\da-fA-F:]+\]:\d+", address) is None:
        raise ValueError("not auto, local or HOST:PORT; run gome on a machine of the cluster, ray:// is not supported")
    return address


class RayExecutors(Executors):
    """Scripts run on the nodes of a Ray cluster."""

    kind: Literal["ray"]
    """Selects a Ray cluster."""
    address: Annotated[str, AfterValidator(_cluster_address)] = "auto"
    """`auto`: the cluster this machine belongs to; HOST:PORT; `local`: a new cluster on this machine only."""
    gpus_per_slot: Annotated[float, Field(ge=0, le=1)] = 0.0
    """GPUs reserved per slot, may be a fraction."""
    shared: bool = False
    """Whether the run's folder has the same path on every node; data are then not sent to the nodes."""
    scheduling_timeout: Seconds = 300.0
    """How long a script may wait for room on a node before the run stops with an outage: seconds, or text."""


class PluginExecutors(Executors):
    """Scripts run by an executor of another package, by the name of its entry point in `gome.executors`."""

    kind: str
    """Name of the entry point."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings that the plug-in itself checks."""


def _place(settings: Any) -> str:
    """The tag of executors: their kind (`local` by default), or `plugin` if another package has that entry point."""
    kind = str(settings.get("kind", "local") if isinstance(settings, dict) else getattr(settings, "kind", "local"))
    return "plugin" if kind not in ("local", "ray") and kind in plugins.names("gome.executors") else kind


AnyExecutors = Annotated[
    Annotated[LocalExecutors, Tag("local")]
    | Annotated[RayExecutors, Tag("ray")]
    | Annotated[PluginExecutors, Tag("plugin")],
    Discriminator(_place),
]
