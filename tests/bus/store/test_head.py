"""A log that has lost messages, or in which a message has changed, is noticed when it is opened."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from gome.bus.message import Draft, Envelope
from gome.bus.store.head import FILE_NAME, Head
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import open_log
from gome.errors import LogDamaged
from tests.bus.town import VOCABULARY, Asked

_MANY = 40
_KILLED = """
import os, sys, anyio
from pathlib import Path
from tests.bus.store.test_head import append

async def main():
    await append(Path(sys.argv[1]), 1, int(sys.argv[2]), after=lambda: os.kill(os.getpid(), 9))

anyio.run(main)
"""


async def append(folder: Path, first: int, count: int, after: Callable[[], None] = lambda: None) -> None:
    """Write so many messages, each in a commit of its own; then call `after` while the log is open."""
    async with open_log(folder, "run", vocabulary=VOCABULARY) as log:
        for number in range(first, first + count):
            await log.append("user", [Draft(Asked(number=number))])
        after()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a process that was killed: all messages are in the WAL."""
    folder = tmp_path_factory.mktemp("killed") / "run"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(folder), str(_MANY)], check=False)
    assert done.returncode == -9
    assert (folder / "log.sqlite-wal").stat().st_size > 0
    return folder


@pytest.fixture
def folder(killed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(killed, tmp_path / "run"))


def _read(folder: Path) -> int:
    with LogReader(folder, VOCABULARY) as reader:
        return len(list(reader.envelopes()))


def test_what_was_written_is_noted_and_found(folder: Path) -> None:
    noted = Head.noted(folder)
    assert noted is not None
    assert noted.seq == _MANY == _read(folder)
    anyio.run(append, folder, 100, 3)
    assert _read(folder) == _MANY + 3


@pytest.mark.parametrize("place", [0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95])
def test_a_flipped_bit_in_the_wal_is_said(folder: Path, place: float) -> None:
    """SQLite ends the log before a damaged frame, silently."""
    wal = folder / "log.sqlite-wal"
    content = bytearray(wal.read_bytes())
    content[int(len(content) * place)] ^= 1
    wal.write_bytes(content)
    with pytest.raises(LogDamaged, match=r"lost its last \d+ messages|not a log of gome"):
        _read(folder)
    with pytest.raises(LogDamaged):
        anyio.run(append, folder, 100, 1)


@pytest.mark.chaos
@pytest.mark.parametrize("name", ["log.sqlite", "log.sqlite-wal"])
@pytest.mark.parametrize("seed", range(10))
def test_a_flipped_bit_at_ten_offsets_is_said_or_changes_nothing(folder: Path, name: str, seed: int) -> None:
    """Also in a log that is in its main file alone."""
    if name == "log.sqlite":
        anyio.run(append, folder, 100, 1)
    before = _bodies(folder)
    content, draw = bytearray((folder / name).read_bytes()), random.Random(seed)
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    (folder / name).write_bytes(content)
    try:
        anyio.run(append, folder, 200, 0)
        found = _bodies(folder)
    except LogDamaged as damaged:
        assert str(folder) in str(damaged)
        return
    assert found == before


def _bodies(folder: Path) -> list[Envelope]:
    with LogReader(folder, VOCABULARY) as reader:
        return list(reader.envelopes())


def _cut(wal: Path) -> None:
    os.truncate(wal, wal.stat().st_size // 2)


def _zeros(wal: Path) -> None:
    size = wal.stat().st_size
    with wal.open("r+b") as file:
        file.seek(size * 3 // 4)
        file.write(bytes(size // 8))


def _header(wal: Path) -> None:
    with wal.open("r+b") as file:
        file.seek(16)
        file.write(b"\xff" * 8)


@pytest.mark.parametrize("damage", [_cut, _zeros, _header, Path.unlink])
def test_other_damages_of_the_wal(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder / "log.sqlite-wal")
    (folder / "log.sqlite-shm").unlink(missing_ok=True)
    with pytest.raises(LogDamaged, match=r"lost its last \d+ messages|not a log of gome"):
        _read(folder)


def test_the_words_say_how_to_go_on_with_the_rest(folder: Path) -> None:
    _cut(folder / "log.sqlite-wal")
    with pytest.raises(LogDamaged) as raised:
        _read(folder)
    assert str(folder / FILE_NAME) in str(raised.value)
    (folder / FILE_NAME).unlink()
    left = _read(folder)
    assert 0 < left < _MANY
    anyio.run(append, folder, 100, 1)
    assert _read(folder) == left + 1


def test_a_message_that_was_changed_is_noticed_when_the_run_goes_on(folder: Path) -> None:
    with sqlite3.connect(folder / "log.sqlite") as connection:
        connection.execute("UPDATE messages SET body = replace(body, '7', '8') WHERE seq = 7")
    with pytest.raises(LogDamaged, match="a message among the first 40 has changed"):
        anyio.run(append, folder, 100, 1)


def test_a_note_that_is_behind_or_unreadable_stops_nothing(folder: Path) -> None:
    old = (folder / FILE_NAME).read_bytes()
    anyio.run(append, folder, 100, 2)
    (folder / FILE_NAME).write_bytes(old)  # as after a power failure
    anyio.run(append, folder, 200, 2)
    (folder / FILE_NAME).write_bytes(b"\xff\x00" * 64)
    anyio.run(append, folder, 300, 2)
    text = f"many {'0' * 64}"  # a right checksum, as somebody else could write it
    (folder / FILE_NAME).write_text(f"{text} {zlib.crc32(text.encode()):08x}")
    assert _read(folder) == _MANY + 6


def test_at_the_end_of_a_session_the_file_alone_is_whole(tmp_path: Path) -> None:
    """Also where a viewer has the log open, and closes it last."""
    anyio.run(append, tmp_path / "run", 1, 5)
    with LogReader(tmp_path / "run", VOCABULARY) as viewer:
        list(viewer.envelopes())
        anyio.run(append, tmp_path / "run", 6, 5)
        (tmp_path / "copy").mkdir()
        shutil.copy(tmp_path / "run" / "log.sqlite", tmp_path / "copy")
        assert _read(tmp_path / "copy") == 10
    assert _read(tmp_path / "run") == 10


def test_a_killed_runs_log_on_read_only_media(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = subprocess.run(
        ["mount", "--bind", "-o", "ro", str(folder), str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        assert _read(folder) == _MANY
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_head_that_is_a_pipe_or_a_link_is_none(folder: Path, tmp_path: Path) -> None:
    """A run may come from elsewhere: its reader waits for no pipe, and its writer follows no link."""
    head, other = folder / FILE_NAME, tmp_path / "other"
    other.write_text("mine")
    head.unlink()
    os.mkfifo(head)
    assert (Head.noted(folder), _read(folder)) == (None, _MANY)
    head.unlink()
    head.symlink_to(other)
    with pytest.raises(OSError, match="symbolic link"):
        Head().write(folder)
    assert other.read_text() == "mine"
