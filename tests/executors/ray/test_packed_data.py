"""Parcels: packed, named by content, split into chunks, and unpacked to equal content."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gome.errors import SandboxError
from gome.executors.ray import packed_data as parcels
from gome.executors.ray.packed_data import node_folder, pack, signature, unpack, unpack_once


def filled(folder: Path) -> Path:
    (folder / "deep" / "empty").mkdir(parents=True)
    (folder / "deep" / "table.csv").write_text("a,b\n")
    (folder / "nothing").touch()
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("deep/table.csv")
    return folder


def keeping(chunks: list[bytes]) -> Callable[[bytes], int]:
    """A function that stores a chunk in the list and returns its index, like an object store."""

    def keep(chunk: bytes) -> int:
        chunks.append(chunk)
        return len(chunks) - 1

    return keep


def test_a_folder_is_the_same_where_it_is_unpacked(tmp_path: Path) -> None:
    source = filled(tmp_path / "source")
    chunks: list[bytes] = []
    parcel = pack(source, keeping(chunks))
    there = unpack(parcel, tmp_path / "node", chunks.__getitem__)
    names = sorted(str(each.relative_to(source)) for each in source.rglob("*"))
    assert sorted(str(each.relative_to(there)) for each in there.rglob("*")) == names
    assert (there / "deep" / "table.csv").read_text() == "a,b\n"
    assert (there / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (there / "link").readlink() == Path("deep/table.csv")


def test_large_content_goes_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "_CHUNK", 1000)
    source = tmp_path / "weights"
    source.write_bytes(bytes(range(256)) * 64)
    chunks: list[bytes] = []
    parcel = pack(source, keeping(chunks))
    assert {len(chunk) for chunk in chunks[:-1]} == {1000}
    assert sum(map(len, chunks)) == parcel.size
    assert unpack(parcel, tmp_path / "node", chunks.__getitem__).read_bytes() == source.read_bytes()


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    chunks: list[bytes] = []
    parcel = pack(filled(tmp_path / "source"), keeping(chunks))
    fetched: list[int] = []

    def fetch(index: int) -> bytes:
        fetched.append(index)
        return chunks[index]

    (tmp_path / "node" / ".making").mkdir(parents=True)  # left by a worker that was killed
    first = unpack_once(parcel, tmp_path / "node", fetch)
    assert first.parent.name == parcel.digest
    assert unpack_once(parcel, tmp_path / "node", fetch) == first
    assert fetched == list(range(len(chunks)))
    os.utime(first.parent, (0, 0))
    (tmp_path / "source" / "nothing").write_text("something")
    other = pack(tmp_path / "source", keeping(chunks))
    unpack_once(other, tmp_path / "node", fetch)
    assert not first.exists(), "nobody has asked for it in a long time"


def test_the_name_is_of_the_content_alone(tmp_path: Path) -> None:
    one, other = filled(tmp_path / "one"), filled(tmp_path / "other")
    assert pack(one, bytes).digest == pack(other, bytes).digest
    before = signature(other)
    (other / "nothing").write_text("something")
    assert pack(one, bytes).digest != pack(other, bytes).digest
    assert signature(other) != before


def test_a_folder_that_another_may_write_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    node_folder().chmod(0o777)
    with pytest.raises(SandboxError, match="TMPDIR"):
        node_folder()
