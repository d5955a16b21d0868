"""The sandbox levels, and what each does not block."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from gome.errors import SandboxError
from gome.executors.command import Command
from gome.executors.launch import Launch, Slot
from gome.executors.resources.interpreter import Interpreter
from gome.executors.sandbox import bubblewrap, landlock, unconfined

__all__ = ["Sandbox", "SandboxLevel"]


class SandboxLevel(StrEnum):
    """Sandbox levels, strongest first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


_SIGNALLED = 128
"""Bubblewrap's exit status for a script ended by signal N is this plus N, as in a shell."""

_MEASURED = (
    "memory is polled ten times a second, not capped by the kernel: a script may briefly exceed its limit",
    "memory that the kernel holds for a script (pipes, sockets, lists of mappings) is not measured",
    "disk use is polled once a second: a script may briefly exceed its limit",
)

_GAPS: Mapping[SandboxLevel, tuple[str, ...]] = MappingProxyType(
    {
        SandboxLevel.BUBBLEWRAP: (
            *_MEASURED,
            "time and counts of page faults tell a script what others have read: the machine's page cache is shared; "
            "so are counters (/proc/vmstat, /proc/stat), by which a script can leave the next one a number",
            "the kernel is shared with the machine: a kernel vulnerability allows an escape",
        ),
        SandboxLevel.LANDLOCK: (
            *_MEASURED,
            "scripts can see the names, sizes and times of all files, although they can open only their own, "
            "and a list of the machine's sockets; by its time of access a file tells the next script that it was read",
            "time and counts of page faults tell a script what others have read: the machine's page cache is shared; "
            "so is the count of processes (/proc/stat), by which a script can leave the next one a number",
            "a script can change its own file",
            "a daemon of a script is no longer measured; if it also removes GOME_LAUNCH, it outlives its script",
            "before Linux 6.12 a script can send signals to your other processes",
            "where gome runs as root, only gome's polling limits the number of processes, not the kernel",
            "no socket and no lock of multiprocessing can be created: data loaders with worker processes fail, and "
            "joblib works in one process",
            "changes of a file's mode and times do nothing",
        ),
        SandboxLevel.NONE: (
            "scripts can use the network",
            "scripts can read all files that you can read, including answers and key files",
            "scripts can write all files that you can write",
            "scripts can read the environment and memory of your other processes, including gome",
            "a daemon of a script that removes GOME_LAUNCH from its environment outlives its script",
            "memory is polled ten times a second, not capped by the kernel",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox level, ready to use. `refused` holds the reasons why stronger levels do not work here."""

    level: SandboxLevel
    binary: Path | None = None
    refused: tuple[str, ...] = ()

    @property
    def gaps(self) -> tuple[str, ...]:
        """What this level does not block, one sentence each, shown to the user."""
        return _GAPS[self.level]

    @property
    def keepers(self) -> int:
        """Number of processes in a script's tree that belong to the sandbox."""
        return 2 if self.level is SandboxLevel.BUBBLEWRAP else 0

    def ending(self, returncode: int, status: str) -> int | None:
        """Exit status of the script, a signal as a negative number; None where the sandbox itself failed."""
        if self.level is not SandboxLevel.BUBBLEWRAP:
            return returncode
        if not bubblewrap.reported_end(status):
            return None
        return _SIGNALLED - returncode if returncode > _SIGNALLED else returncode

    def first_process(self, status: str) -> int | None:
        """Id of the process whose end implies the end of all others; None where the level has no such process."""
        return bubblewrap.first_process(status) if self.level is SandboxLevel.BUBBLEWRAP else None

    def user(self, slot: Slot) -> int | None:
        """User id that must own a script's workspace; None where it is gome's own user."""
        return bubblewrap.slot_user(slot) if self.level is SandboxLevel.BUBBLEWRAP else None

    def command(self, launch: Launch, slot: Slot, python: Interpreter, token: str) -> Command:
        """The command that runs a launch at this level. `token` identifies its processes."""
        if self.level is SandboxLevel.NONE:
            return unconfined.command(launch, slot, python, token)
        if self.level is SandboxLevel.LANDLOCK:
            return landlock.command(launch, slot, python, token)
        if self.binary is None:
            raise SandboxError("the bubblewrap level needs the path of its binary; use probe() to create the sandbox")
        return bubblewrap.command(self.binary, launch, slot, python, token)
