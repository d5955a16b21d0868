"""The reaper's program (`reaper`): reads which scripts run, and kills them when its input ends.

It is run without gome and without packages, so that it starts in milliseconds and takes little memory.
"""

import os
import select
import signal
import time
from pathlib import Path

_PAUSE = 0.05
_YOUNG = 100  # pauses in which a sandbox's inner process is looked for
_ROUNDS = 200
_QUIET_ROUNDS = 3


class Watched:
    """A script: its first process, the process inside its sandbox, and the mark in the environment of all."""

    def __init__(self, pid: int, mark: str) -> None:
        self.pid = pid
        self.mark = mark.encode()
        self.handles: dict[int, int] = {}
        self.looks = 0
        self.hold(pid)

    def hold(self, pid: int) -> None:
        """Open a handle of a process: its number may be given to another one later, the handle not."""
        if pid not in self.handles:
            try:
                self.handles[pid] = os.pidfd_open(pid)
            except OSError:
                self.looks = _YOUNG

    @property
    def young(self) -> bool:
        """Whether the process inside the sandbox may still appear."""
        return self.looks < _YOUNG and len(self.handles) < 2

    def look(self) -> None:
        """Look for the children of the first process, of which a sandbox has one."""
        self.looks += 1
        try:
            for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split():
                self.hold(int(child))
        except (OSError, ValueError):
            self.looks = _YOUNG

    def kill(self) -> None:
        """Kill the processes that are known by their handles."""
        for handle in self.handles.values():
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            except OSError:
                continue

    def close(self) -> None:
        """Close all handles."""
        for handle in self.handles.values():
            os.close(handle)


def main() -> None:
    """Follow standard input until it ends; then end what is still watched."""
    watched: dict[int, Watched] = {}
    rest = b""
    while True:
        young = [each for each in watched.values() if each.young]
        if select.select([0], [], [], _PAUSE if young else None)[0]:
            chunk = os.read(0, 1 << 16)
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                _follow(line.decode("ascii"), watched)
        for each in young:
            each.look()
    for each in watched.values():
        each.kill()
    if watched:
        _end_marked({each.mark for each in watched.values()})


def _follow(line: str, watched: dict[int, Watched]) -> None:
    pid, _, mark = line[1:].partition(" ")
    if line.startswith("+"):
        watched[int(pid)] = Watched(int(pid), mark)
    elif (ended := watched.pop(int(pid), None)) is not None:
        ended.close()


def _end_marked(marks: set[bytes]) -> None:
    """Kill every process that has one of the marks in its environment, until none is left in several rounds."""
    quiet = 0
    for _ in range(_ROUNDS):
        found = 0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                if not marks.isdisjoint((folder / "environ").read_bytes().split(b"\0")):
                    os.kill(int(folder.name), signal.SIGKILL)
                    found += 1
            except OSError:
                continue
        quiet = 0 if found else quiet + 1
        if quiet == _QUIET_ROUNDS:
            return
        time.sleep(_PAUSE)


if __name__ == "__main__":
    main()
