"""Going on: past the end with more budget, straight to the finish, on another path from a message on."""

import shutil
from collections import Counter
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY, Diagnosis, StepOpened
from gome.agents.protocol.run_messages import RunFinished, SessionOpened
from gome.agents.runtime.lifecycle import fork_run, resume
from gome.agents.runtime.opening import opening_of, scenario_of
from gome.agents.runtime.replay import replay_run
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import open_log
from gome.errors import LogError, LogLocked, RunNotFound
from gome.executors.launch import Cause
from tests.agents.helpers.runs import Run, read_run

pytestmark = pytest.mark.xdist_group("lockstep")  # they share one long run


@pytest.fixture
def copy(lockstep_run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lockstep_run.folder, tmp_path / lockstep_run.folder.name))


def test_a_finished_run_goes_on_with_more_trials(lockstep_run: Run, copy: Path) -> None:
    more = scenario_of(copy).budget.model_copy(update={"trials": 8})
    finished = anyio.run(lambda: resume(copy, budget=more))
    assert finished is not None
    run = read_run(copy, finished)
    assert len(run.all(StepOpened)) == 8
    assert [step for step in run.path if step in lockstep_run.path] == lockstep_run.path, "nothing is done again"
    reused = {finished.request_hash for _, finished, ran in run.scripts if ran.reused}
    assert reused, "the finish runs its finalists again, and what it had run stands in the log"
    assert len(run.all(RunFinished)) == 2
    assert finished.trials == 8
    assert scenario_of(copy).budget.trials == 8
    assert anyio.run(replay_run, copy).said == sum(
        1 for each in run.envelopes if each.cause and "activity" not in each.kind
    )


def test_resuming_a_finished_run_does_nothing(lockstep_run: Run, copy: Path) -> None:
    finished = anyio.run(lambda: resume(copy))
    assert finished == lockstep_run.finished
    assert read_run(copy, finished).path == lockstep_run.path


def test_a_fork_has_the_same_history_and_lives_on(lockstep_run: Run, tmp_path: Path) -> None:
    at, _ = lockstep_run.all(StepOpened)[-1]
    before = lockstep_run.folder.joinpath("log.sqlite").read_bytes()
    finished = anyio.run(lambda: fork_run(lockstep_run.folder, at.id, tmp_path / "fork", run_id="fork"))
    assert finished is not None
    fork = read_run(tmp_path / "fork", finished)
    shared = [envelope.id for envelope in fork.envelopes if envelope.seq <= at.seq]
    assert shared == [envelope.id for envelope in lockstep_run.envelopes if envelope.seq <= at.seq]
    assert fork.path == lockstep_run.path, "in lockstep the other half of the history is the same too"
    assert len(fork.all(SessionOpened)) == 2
    assert anyio.run(replay_run, fork.folder).buried == 0
    assert lockstep_run.folder.joinpath("log.sqlite").read_bytes() == before


def test_a_fork_between_the_splits_of_a_trial_runs_the_others_alone(lockstep_run: Run, tmp_path: Path) -> None:
    within = [each for each in lockstep_run.scripts if each[0].step == 2 and each[2].cause is Cause.OK]
    at, _, _ = within[0]
    finished = anyio.run(lambda: fork_run(lockstep_run.folder, at.id, tmp_path / "fork", run_id="fork"))
    assert finished is not None
    fork = read_run(tmp_path / "fork", finished)
    assert fork.path == lockstep_run.path
    assert fork.end == lockstep_run.end
    known = {each.seq for each, _, _ in lockstep_run.scripts if each.seq <= at.seq}
    assert {each.seq for each, _, _ in fork.scripts if each.seq <= at.seq} == known
    made = Counter(each.request_hash for _, each, ran in fork.scripts if ran.cause is Cause.OK and not ran.reused)
    assert set(made.values()) == {1}
    assert anyio.run(replay_run, fork.folder).buried == 0


def test_a_run_that_is_asked_to_finish_opens_no_further_step(lockstep_run: Run, tmp_path: Path) -> None:
    at = next(envelope for envelope, diagnosis in lockstep_run.all(Diagnosis) if diagnosis.accepted)
    folder = tmp_path / "short"

    async def cut_and_finish() -> RunFinished | None:
        from gome.bus.store.fork import fork

        await anyio.to_thread.run_sync(fork, lockstep_run.folder, folder, at.id, "short")
        return await resume(folder, finish=True)

    finished = anyio.run(cut_and_finish)
    assert finished is not None
    run = read_run(folder, finished)
    assert len(run.all(StepOpened)) == 2
    assert finished.winner is not None


def test_one_writer_a_run(copy: Path) -> None:
    async def second() -> None:
        async with open_log(copy, vocabulary=VOCABULARY):
            await resume(copy)

    with pytest.raises(LogLocked, match=r"\d+"):
        anyio.run(second)


def test_a_task_that_has_changed_is_named_and_refused(lockstep_run: Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(lockstep_run.folder, tmp_path / lockstep_run.folder.name))
    task = Path(shutil.copytree(opening_of(copy).task_path, tmp_path / "task"))
    train = task / "prepared" / "public" / "train.csv"
    train.write_text(train.read_text().replace("Aa", "Bo", 1))
    redirect(copy, task)
    with pytest.raises(LogError, match=r"have changed since the run began.*--accept-changes"):
        anyio.run(lambda: resume(copy))
    assert anyio.run(lambda: resume(copy, accept_changes=True)) is not None


def redirect(folder: Path, task: Path) -> None:
    """Let the run's first message name another folder for its task."""
    import sqlite3

    with sqlite3.connect(folder / "log.sqlite") as connection:
        old = opening_of(folder).task_path
        connection.execute("UPDATE messages SET body = replace(body, ?, ?) WHERE kind = 'run_opened'", (old, str(task)))
    connection.close()
    (folder / "log.head").unlink()  # which tells that a message was changed


def test_no_run_no_resume(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound):
        anyio.run(lambda: resume(tmp_path / "nothing"))


def test_the_log_is_read_while_it_is_written(copy: Path) -> None:
    async def both() -> int:
        async with open_log(copy, vocabulary=VOCABULARY):
            with LogReader(copy, VOCABULARY) as reader:
                return sum(1 for _ in reader.envelopes())

    assert anyio.run(both) > 50
