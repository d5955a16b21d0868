"""Collect artefacts from a folder that an untrusted script has written.

A name may refer to a link to a secret, a pipe without end, a device or a huge sparse file. Therefore each folder on the
path is opened without following links, the file is opened non-blocking, and the open descriptor (not the name) is
checked before anything is copied.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from secrets import token_hex

__all__ = ["collect", "discard"]

_CHUNK = 1 << 20
_MOVED = f".discarded-{token_hex(8)}-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def collect(
    folder: Path, names: Iterable[str], destination: Path, limit: int
) -> tuple[dict[str, Path], dict[str, str]]:
    """Copy each named file under `folder` to `destination`, at most `limit` bytes each.

    A copy appears complete or not at all. Returns the copies by name, and the reason for each name that was refused.
    """
    taken: dict[str, Path] = {}
    refused: dict[str, str] = {}
    for name in names:
        target = destination / name
        target.unlink(missing_ok=True)
        reason = _take(folder, name, target, limit)
        if reason is None:
            taken[name] = target
        else:
            refused[name] = reason
    return taken, refused


def discard(folder: Path) -> None:
    """Remove a folder that a script has written, of any depth and with any permissions. Follows no link.

    Each inner folder is first moved to the top level, so that paths stay short and no recursion is needed.
    """
    if not folder.exists():
        return
    top = os.open(folder, _FOLDER)
    try:
        waiting = [""]
        moved = 0
        while waiting:
            name = waiting.pop()
            here = os.open(name, _FOLDER, dir_fd=top) if name else os.dup(top)
            try:
                for entry in list(os.scandir(here)):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.name, dir_fd=here)
                        continue
                    moved += 1
                    os.chmod(entry.name, 0o700, dir_fd=here)
                    os.rename(entry.name, f"{_MOVED}{moved}", src_dir_fd=here, dst_dir_fd=top)
                    waiting.append(f"{_MOVED}{moved}")
            finally:
                os.close(here)
            if name:
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    folder.rmdir()


def _take(folder: Path, name: str, target: Path, limit: int) -> str | None:
    """Copy one file out of `folder`. Returns the reason where it is refused, else None."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        return "not a name below the output folder"
    try:
        source = _open(folder, parts)
    except FileNotFoundError:
        return "was not written"
    except OSError as error:
        return f"is a link, or lies behind one, or cannot be read ({error.strerror})"
    try:
        return _unfit(os.fstat(source), limit) or _copy(source, target, limit)
    finally:
        os.close(source)


def _open(folder: Path, parts: tuple[str, ...]) -> int:
    """Open the last part, following no link on the way. Raises OSError."""
    here = os.open(folder, _FOLDER)
    try:
        for part in parts[:-1]:
            deeper = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = deeper
        return os.open(parts[-1], _FILE, dir_fd=here)
    finally:
        os.close(here)


def _unfit(found: os.stat_result, limit: int) -> str | None:
    """Why an open file is not a valid artefact; None where it is."""
    if not stat.S_ISREG(found.st_mode):
        return "is not a regular file"
    if found.st_nlink != 1:
        return "has a second name (hard link)"
    if found.st_size > limit:
        return f"has {found.st_size} bytes, over the limit of {limit}"
    return None


def _copy(source: int, target: Path, limit: int) -> str | None:
    """Copy at most `limit` bytes. Returns the reason where the file has more, because it is still growing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    left = limit
    with part.open("wb") as out:
        while left >= 0 and (chunk := os.read(source, _CHUNK)):
            left -= len(chunk)
            out.write(chunk)
    if left < 0:
        part.unlink()
        return f"grew past the limit of {limit} bytes"
    part.replace(target)
    return None
