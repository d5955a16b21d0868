"""Artefacts: stored once, complete, under the hash of their content."""

import os
from hashlib import sha256
from pathlib import Path

import anyio
import pytest

from gome.bus.store.artefacts import Artefacts
from gome.errors import LogDamaged, Outage, UsageError


def test_content_comes_back_under_its_hash(tmp_path: Path) -> None:
    async def main() -> None:
        artefacts = Artefacts(tmp_path)
        ref = await artefacts.put("Größe\n")
        assert ref == sha256("Größe\n".encode()).hexdigest() == await artefacts.put("Größe\n".encode())
        assert await artefacts.text(ref) == "Größe\n"
        assert Artefacts(tmp_path).read_now(ref) == "Größe\n".encode()
        assert await artefacts.text(await artefacts.put(b"\xff\x00")) == "\ufffd\x00"

    anyio.run(main)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2 and all(path.parent.parent == tmp_path / "artefacts" for path in files)


@pytest.mark.parametrize("ref", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "0" * 65])
def test_what_is_no_ref_leads_nowhere(tmp_path: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="names no artefact"):
        Artefacts(tmp_path).path(ref)


def test_lost_and_damaged_content_is_reported(tmp_path: Path) -> None:
    artefacts = Artefacts(tmp_path)
    ref = artefacts.put_now("whole")
    artefacts.path(ref).write_text("torn")
    with pytest.raises(LogDamaged, match=f"artefact {ref} is damaged"):
        artefacts.read_now(ref)
    artefacts.path(ref).unlink()
    with pytest.raises(LogDamaged, match=f"artefact {ref} is lost"):
        artefacts.read_now(ref)


@pytest.mark.parametrize("strange", ["/dev/zero", "pipe"])
def test_what_has_no_end_is_not_read(tmp_path: Path, strange: str) -> None:
    artefacts = Artefacts(tmp_path)
    path = artefacts.path(artefacts.put_now("whole"))
    path.unlink()
    if strange == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(strange)
    with pytest.raises(Outage, match="not a file"):
        artefacts.read_now("".join(path.parts[-2:]))


def test_what_another_process_left_torn_is_written_again(tmp_path: Path) -> None:
    ref = Artefacts(tmp_path).put_now("whole")
    Artefacts(tmp_path).path(ref).write_text("who")
    assert Artefacts(tmp_path).put_now("whole") == ref
    assert Artefacts(tmp_path).read_now(ref) == b"whole"


def test_the_same_content_from_many_tasks_is_one_file(tmp_path: Path) -> None:
    async def main() -> None:
        artefacts = Artefacts(tmp_path)
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(artefacts.put, b"same" * 1000)

    anyio.run(main)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
