"""Fork: equal history up to a message, live after it, parent unchanged."""

from collections import Counter
from hashlib import sha256
from pathlib import Path

import anyio
import pytest

from gome.bus.events import ACTIVITIES
from gome.bus.store.fork import fork
from gome.bus.store.reader import LogReader
from gome.errors import RunNotFound, UsageError
from tests.bus.program import VOCABULARY
from tests.bus.test_crashes import check, live

SEED = 47


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    folder = tmp_path / "parent"
    anyio.run(live, folder, SEED, 0, Counter())
    return folder


def digest(folder: Path) -> dict[str, str]:
    """The content of every file of the run, without the side files that a reader creates."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_fork_has_the_history_and_lives_on(tmp_path: Path, parent: Path) -> None:
    before = digest(parent)
    with LogReader(parent, VOCABULARY) as reader:
        envelopes = list(reader.envelopes())
        cursors = reader.cursors()
    for at in envelopes[:: len(envelopes) // 8]:
        child = tmp_path / f"child-{at.seq}"
        last = fork(parent, child, at.id, "child")
        with LogReader(child, VOCABULARY) as reader:
            copied = list(reader.envelopes())
            assert reader.run == "child" and {each.run for each in copied} == {"child"}
            assert all(seq <= cursors[actor] and seq <= last for actor, seq in reader.cursors().items())
        assert [each.id for each in copied] == [each.id for each in envelopes[:last]]
        together = {each.seq for each in envelopes if (each.sender, each.cause) == (at.sender, at.cause)}
        companions = {seq for seq in together if at.cause and envelopes[seq - 1].kind not in ACTIVITIES}
        assert last == (max(companions) if at.seq in companions else at.seq)
        # The child has the records of the parent's finished calls, and makes only the others.
        calls = Counter(
            (each.sender, str(each.cause), int(each.message.ordinal))  # type: ignore[attr-defined]
            for each in copied
            if each.kind == "activity_finished"
        )
        anyio.run(live, child, SEED, 0, calls, "child")
        check(child, SEED, calls)
    assert digest(parent) == before


def test_a_fork_at_the_end_is_the_same_run(tmp_path: Path, parent: Path) -> None:
    with LogReader(parent, VOCABULARY) as reader:
        last = reader.last()
        assert last is not None
        cursors = reader.cursors()
    assert fork(parent, tmp_path / "child", last.id, "child") == last.seq
    with LogReader(tmp_path / "child", VOCABULARY) as reader:
        assert reader.cursors() == cursors


def test_a_fork_that_cannot_be_leaves_nothing(tmp_path: Path, parent: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(UsageError, match="no message 0000"):
        fork(parent, child, "0000", "child")
    with pytest.raises(RunNotFound, match="no log in"):
        fork(tmp_path / "nowhere", child, "0000", "child")
    assert [path.name for path in tmp_path.iterdir()] == ["parent"]
    with pytest.raises(UsageError, match="not empty"):
        fork(parent, parent, "0000", "child")
