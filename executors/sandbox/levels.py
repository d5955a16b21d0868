"""The levels at which a script can be held, and what each does not block."""

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
    """From the strongest to none at all."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


_SIGNALLED = 128
"""Bubblewrap's exit status for a script ended by signal N is this and N, as a shell's."""

_GAPS: Mapping[SandboxLevel, tuple[str, ...]] = MappingProxyType(
    {
        SandboxLevel.BUBBLEWRAP: (
            "memory is measured ten times a second, not capped by the kernel: a script may pass its limit for a moment",
            "disk use is measured once a second: a script may pass its limit for a moment",
            "the kernel itself is shared: a flaw in it is a way out",
        ),
        SandboxLevel.LANDLOCK: (
            "names, sizes and times of all files can be asked, though none but the script's own can be opened",
            "the memory-backed folder of the machine is shared with your other processes, and what is left there stays",
            "a script can change its own file",
            "a process that leaves its parent is measured no more; if it hides its mark too, it outlives its script",
            "before Linux 6.12 a script can send signals to your other processes",
            "where gome is run by root, the kernel does not count a script's processes: the watch alone does",
            "memory is measured ten times a second, not capped by the kernel: a script may pass its limit for a moment",
            "no socket can be made at all, so that data loaders with worker processes fail",
        ),
        SandboxLevel.NONE: (
            "scripts reach the network",
            "scripts read every file that you can read, the answers and your keys' files among them",
            "scripts write every file that you can write",
            "scripts read the environment and the memory of your other processes, gome's among them",
            "a process that leaves its parent and hides its mark outlives its script",
            "memory is measured ten times a second and not capped by the kernel",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A level with what it takes to use it. `refused` says why each stronger level does not work here."""

    level: SandboxLevel
    binary: Path | None = None
    refused: tuple[str, ...] = ()

    @property
    def gaps(self) -> tuple[str, ...]:
        """What this level does not block, in words for the user."""
        return _GAPS[self.level]

    @property
    def keepers(self) -> int:
        """How many processes of a script's tree are the sandbox's own."""
        return 2 if self.level is SandboxLevel.BUBBLEWRAP else 0

    def ending(self, returncode: int, status: str) -> int | None:
        """Exit status of the script, a signal as its negative number; None where the sandbox itself failed."""
        if self.level is not SandboxLevel.BUBBLEWRAP:
            return returncode
        if not bubblewrap.reported_end(status):
            return None
        return _SIGNALLED - returncode if returncode > _SIGNALLED else returncode

    def first_process(self, status: str) -> int | None:
        """The process whose end is known to be the end of all others; None where there is no such process."""
        return bubblewrap.first_process(status) if self.level is SandboxLevel.BUBBLEWRAP else None

    def user(self, slot: Slot) -> int | None:
        """The user id that owns a script's workspace, None where it is our own."""
        return bubblewrap.slot_user(slot) if self.level is SandboxLevel.BUBBLEWRAP else None

    def command(self, launch: Launch, slot: Slot, python: Interpreter, token: str) -> Command:
        """What is executed for a launch. `token` marks its processes."""
        if self.level is SandboxLevel.NONE:
            return unconfined.command(launch, slot, python, token)
        if self.level is SandboxLevel.LANDLOCK:
            return landlock.command(launch, slot, python, token)
        if self.binary is None:
            raise SandboxError("bubblewrap is chosen without its binary; let probe() choose")
        return bubblewrap.command(self.binary, launch, slot, python, token)
