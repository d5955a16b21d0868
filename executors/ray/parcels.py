"""Data on their way to a node: packed once, named by their content, unpacked once a node.

    path ──► tar ──► chunks in Ray's object store ──► a folder of the node, named by the hash of its content

The tar is the same for the same content: names in order, no times, no owners. A node that has a parcel of that name
asks for no chunk of it.
"""

import fcntl
import io
import os
import shutil
import stat
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from gome.errors import SandboxError

__all__ = ["Parcel", "node_folder", "pack", "signature", "unpack", "unpack_once"]

_CHUNK = 32 << 20
_KEPT = 14 * 24 * 3600.0
"""Seconds that a node keeps a parcel which nobody asks for."""
_CONTENT = "content"
"""What a parcel's one file or folder is called in its tar."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file or folder with all below it: the hash of its content, its bytes, and a reference to each chunk."""

    digest: str
    size: int
    chunks: tuple[Any, ...]


def signature(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of change of everything at and below `path`: alike while nothing was written there."""
    found = [(each, each.lstat()) for each in (path, *sorted(path.rglob("*")))]
    return tuple((str(each.relative_to(path)), at.st_size, at.st_mtime_ns) for each, at in found)


def pack(path: Path, keep: Callable[[bytes], Any]) -> Parcel:
    """The parcel of a file or folder. `keep` puts a chunk away and returns a reference to it."""
    out = _Chunks(keep)
    with tarfile.open(mode="w|", fileobj=out, format=tarfile.PAX_FORMAT) as tar:
        for each in (path, *sorted(path.rglob("*"))):
            name = Path(_CONTENT) / each.relative_to(path)
            tar.add(each, arcname=str(name), recursive=False, filter=_plain)
    out.close()
    return Parcel(out.digest.hexdigest(), out.size, tuple(out.kept))


def unpack(parcel: Parcel, home: Path, fetch: Callable[[Any], bytes]) -> Path:
    """Unpack a parcel into the new folder `home`; the path of its content there."""
    home.mkdir(parents=True)
    with tarfile.open(mode="r|", fileobj=_Reader(map(fetch, parcel.chunks))) as tar:
        tar.extractall(home, filter="tar")
    return home / _CONTENT


def unpack_once(parcel: Parcel, folder: Path, fetch: Callable[[Any], bytes]) -> Path:
    """Where the content of a parcel is, below `folder`; fetched there where no job of this node has done so yet."""
    folder.mkdir(exist_ok=True)
    home = folder / parcel.digest
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _forget_old(folder)
            making = folder / ".making"
            if making.exists():  # by a worker that was killed
                shutil.rmtree(making)
            unpack(parcel, making, fetch)
            making.rename(home)
        os.utime(home)
    return home / _CONTENT


def node_folder() -> Path:
    """The folder of this node in which jobs and parcels lie, ours alone. Raises SandboxError where it is another's."""
    folder = Path(tempfile.gettempdir()) / f"gome-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise SandboxError(f"{folder} is not a folder of this user's own; remove it, or start the node with TMPDIR set")
    return folder


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what differs from machine to machine."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _forget_old(folder: Path) -> None:
    """Remove parcels that nobody has asked for in a long time."""
    oldest = time.time() - _KEPT
    for each in folder.iterdir():
        if each.is_dir() and each.stat().st_mtime < oldest:
            shutil.rmtree(each)


class _Chunks(io.RawIOBase):
    """A file to write that puts away what is written, a chunk at a time."""

    def __init__(self, keep: Callable[[bytes], Any]) -> None:
        super().__init__()
        self.kept: list[Any] = []
        self.digest = sha256()
        self.size = 0
        self._keep = keep
        self._waiting = bytearray()

    def write(self, piece: Any) -> int:
        self._waiting += piece
        self.digest.update(piece)
        self.size += len(piece)
        while len(self._waiting) >= _CHUNK:
            self._put(_CHUNK)
        return len(piece)

    def close(self) -> None:
        if self._waiting:
            self._put(len(self._waiting))
        super().close()

    def _put(self, count: int) -> None:
        self.kept.append(self._keep(bytes(self._waiting[:count])))
        del self._waiting[:count]


class _Reader(io.RawIOBase):
    """A file to read that is made of chunks, one held at a time."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks = iter(chunks)
        self._chunk = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for, unless the end comes first."""
        found = bytearray()
        while size < 0 or len(found) < size:
            if not self._chunk:
                following = next(self._chunks, None)
                if following is None:
                    break
                self._chunk = memoryview(following)
            taken = self._chunk if size < 0 else self._chunk[: size - len(found)]
            found += taken
            self._chunk = self._chunk[len(taken) :]
        return bytes(found)
