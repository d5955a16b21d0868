"""Artefacts: prompts, scripts, outputs, each a file beside the log, named by the hash of its content.

An artefact is on disk, and synced, before the message that names it. The same content is stored once.
"""

import os
import re
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

import anyio.to_thread

from gome.errors import LogDamaged, Outage, UsageError

__all__ = ["Artefacts"]

_REF = re.compile(r"[0-9a-f]{64}")


class Artefacts:
    """The artefacts of a run in `folder/artefacts`. A ref is the SHA-256 of the content, in hex."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "artefacts"
        self._synced: set[str] = set()

    def path(self, ref: str) -> Path:
        """Where the artefact is, or would be. Raises UsageError for what is no ref, so that none leads elsewhere."""
        if not _REF.fullmatch(ref):
            raise UsageError(f"{ref!r} names no artefact: a ref has 64 hexadecimal digits")
        return self.folder / ref[:2] / ref[2:]

    async def put(self, data: bytes | str) -> str:
        """Store and sync the content; returns its ref. Raises Outage where the disk does not take it."""
        return await anyio.to_thread.run_sync(self.put_now, data)

    async def read(self, ref: str) -> bytes:
        """The content. Raises LogDamaged where it is lost or is not what its name says."""
        return await anyio.to_thread.run_sync(self.read_now, ref)

    async def text(self, ref: str) -> str:
        """The content as UTF-8; bytes that are none are replaced."""
        return (await self.read(ref)).decode(errors="replace")

    def read_now(self, ref: str) -> bytes:
        """`read`, blocking: for viewers."""
        path = self.path(ref)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise LogDamaged(f"artefact {ref} is lost: there is no {path}") from error
        except OSError as error:
            raise Outage(f"artefact {ref} cannot be read: {error.strerror} ({path})") from error
        if sha256(content).hexdigest() != ref:
            raise LogDamaged(f"artefact {ref} is damaged: the content of {path} has another hash")
        return content

    def text_now(self, ref: str) -> str:
        """`text`, blocking: for viewers."""
        return self.read_now(ref).decode(errors="replace")

    def put_now(self, data: bytes | str) -> str:
        """`put`, blocking."""
        content = data.encode() if isinstance(data, str) else data
        ref = sha256(content).hexdigest()
        # What another process left may be in memory only, or cut off: it is written again. What we wrote is synced.
        if ref not in self._synced:
            try:
                self._store(content, self.path(ref))
            except OSError as error:
                raise Outage(
                    f"an artefact could not be written in {self.folder}: {error.strerror}. "
                    "Make room on the disk, or the folder writable, then resume."
                ) from error
            self._synced.add(ref)
        return ref

    def _store(self, content: bytes, path: Path) -> None:
        """Write beside the place, sync, move into place, sync the folder: the name never stands for half a file."""
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
        _sync(path.parent)
        if new_folder:
            _sync(self.folder)
            _sync(self.folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
