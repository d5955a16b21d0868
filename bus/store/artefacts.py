"""Content-addressed store for prompts, scripts and outputs: one file per artefact, beside the log.

An artefact is synced to disk before the message that refers to it is written. Equal content is stored once.
"""

import errno
import os
import re
import stat
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

import anyio.to_thread

from gome.errors import LogDamaged, Outage, UsageError

__all__ = ["Artefacts", "sync_folder"]

_REF = re.compile(r"[0-9a-f]{64}")


class Artefacts:
    """The artefacts of a run, in `folder/artefacts`. A ref is the SHA-256 of the content, in hex.

    May be used from several threads and processes: a file appears complete or not at all. Where `read_only`, `put`
    returns the ref and stores nothing: a replay puts only what is there.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder / "artefacts"
        self._read_only = read_only
        self._synced: set[str] = set()

    def path(self, ref: str) -> Path:
        """Path of an artefact, whether it exists or not. Raises UsageError for an invalid ref (it could be a path)."""
        if not _REF.fullmatch(ref):
            raise UsageError(f"{ref!r} names no artefact: a ref has 64 hexadecimal digits")
        return self.folder / ref[:2] / ref[2:]

    async def put(self, data: bytes | str) -> str:
        """Store and sync the content; returns its ref. Raises Outage where it cannot be written."""
        return await anyio.to_thread.run_sync(self.put_now, data)

    async def read(self, ref: str) -> bytes:
        """The content. Raises LogDamaged where it is missing or its hash differs, Outage where it cannot be read."""
        return await anyio.to_thread.run_sync(self.read_now, ref)

    async def text(self, ref: str) -> str:
        """The content decoded as UTF-8; invalid bytes are replaced."""
        return (await self.read(ref)).decode(errors="replace")

    def read_now(self, ref: str) -> bytes:
        """As `read`, blocking."""
        path = self.path(ref)
        try:
            content = _regular(path).read_bytes()
        except FileNotFoundError as error:
            raise LogDamaged(
                f"artefact {ref} is lost: there is no {path}. Restore it from a copy of the run."
            ) from error
        except OSError as error:
            raise Outage(
                f"artefact {ref} cannot be read: {error.strerror} ({path}). Make it readable, then try again."
            ) from error
        if sha256(content).hexdigest() != ref:
            raise LogDamaged(
                f"artefact {ref} is damaged: the content of {path} has another hash. Restore it from a copy of the run."
            )
        return content

    def put_now(self, data: bytes | str) -> str:
        """As `put`, blocking."""
        content = data.encode() if isinstance(data, str) else data
        ref = sha256(content).hexdigest()
        # A file that another process left may be unsynced or truncated, so only files written by us are skipped.
        if ref not in self._synced and not self._read_only:
            try:
                self._store(content, self.path(ref))
            except OSError as error:
                raise Outage(
                    f"an artefact could not be written in {self.folder}: {error.strerror}. "
                    "Free disk space or make the folder writable, then resume."
                ) from error
            self._synced.add(ref)
        return ref

    def _store(self, content: bytes, path: Path) -> None:
        """Write a temporary file, sync it, rename it, sync the folder: the name never refers to a partial file."""
        new_folder = not path.parent.is_dir()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)  # noqa: PTH101 - a name from mkstemp
            os.replace(temporary, path)  # noqa: PTH105 - a name from mkstemp
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
        if new_folder:
            sync_folder(self.folder)
            sync_folder(self.folder.parent)


def _regular(path: Path) -> Path:
    """The path of a file. Raises OSError for a pipe or a device, which has no end: a run may come from elsewhere."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    return path


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk: a new file's name is safe only after that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
