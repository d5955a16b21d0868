"""Transfer of data to nodes: packed once, named by content hash, unpacked once per node.

    path ──► tar ──► chunks in Ray's object store ──► a folder of the node, named by the hash of its content

Equal content gives an equal tar: sorted names, no times, no owners. A node that has a parcel already fetches none of
its chunks.
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
"""Seconds after its last use for which a node keeps a parcel."""
_CONTENT = "content"
"""Name of the parcel's file or folder in its tar."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A packed file or folder: the hash of its content, its size in bytes, and a reference to each chunk."""

    digest: str
    size: int
    chunks: tuple[Any, ...]


def signature(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and modification time of everything at and below `path`; equal while nothing is written there."""
    found = [(each, each.lstat()) for each in (path, *sorted(path.rglob("*")))]
    return tuple((str(each.relative_to(path)), at.st_size, at.st_mtime_ns) for each, at in found)


def pack(path: Path, keep: Callable[[bytes], Any]) -> Parcel:
    """Pack a file or folder. `keep` stores a chunk and returns a reference to it."""
    out = _Chunks(keep)
    with tarfile.open(mode="w|", fileobj=out, format=tarfile.PAX_FORMAT) as tar:
        for each in (path, *sorted(path.rglob("*"))):
            name = Path(_CONTENT) / each.relative_to(path)
            tar.add(each, arcname=str(name), recursive=False, filter=_plain)
    out.close()
    return Parcel(out.digest.hexdigest(), out.size, tuple(out.kept))


def unpack(parcel: Parcel, home: Path, fetch: Callable[[Any], bytes]) -> Path:
    """Unpack a parcel into the new folder `home`; returns the path of its content. `fetch` loads a chunk."""
    home.mkdir(parents=True)
    with tarfile.open(mode="r|", fileobj=_Reader(map(fetch, parcel.chunks))) as tar:
        tar.extractall(home, filter="tar")
    return home / _CONTENT


def unpack_once(parcel: Parcel, folder: Path, fetch: Callable[[Any], bytes]) -> Path:
    """The path of a parcel's content below `folder`; fetched and unpacked there where it is missing.

    A file lock makes this safe for concurrent jobs on the node. Parcels that were not used for two weeks are removed.
    """
    folder.mkdir(exist_ok=True)
    home = folder / parcel.digest
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _forget_old(folder)
            making = folder / ".making"
            if making.exists():  # left by a worker that was killed
                shutil.rmtree(making)
            unpack(parcel, making, fetch)
            making.rename(home)
        os.utime(home)
    return home / _CONTENT


def node_folder() -> Path:
    """The private folder of this node for jobs and parcels. Raises SandboxError where another user can write to it."""
    folder = Path(tempfile.gettempdir()) / f"gome-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise SandboxError(f"{folder} is not private to this user; remove it, or start the node with another TMPDIR")
    return folder


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove attributes that differ between machines."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _forget_old(folder: Path) -> None:
    """Remove parcels that were not used for `_KEPT` seconds."""
    oldest = time.time() - _KEPT
    for each in folder.iterdir():
        if each.is_dir() and each.stat().st_mtime < oldest:
            shutil.rmtree(each)


class _Chunks(io.RawIOBase):
    """A writable file that stores its content in chunks."""

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
    """A readable file over chunks, with one chunk in memory at a time."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks = iter(chunks)
        self._chunk = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, fewer only at the end."""
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
