"""Whole runs whose hold-out is set apart: who gets its labels when, and what scripts that hand labels on gain by it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pandas as pd
import pytest

from gome.agents.protocol.run_messages import RunOpened
from gome.agents.runtime.lifecycle import fork_run, resume
from gome.agents.runtime.opening import scenario_of
from gome.agents.runtime.predict import predict
from gome.agents.runtime.replay import replay_run
from gome.bus.store.artefacts import Artefacts
from gome.errors import UsageError
from gome.scenarios.evaluation.views import learns_from_all, make_view
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.task import Task
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, conducted, read_run
from tests.agents.helpers.stubs import KNOBS, line, small, small_task, writing

pytestmark = pytest.mark.xdist_group("apart")  # they share a run

FEATURES = ("area", "age", "city", "shop", "date")
PROBING = """
shown = ("area", "age", "city", "shop", "date", "y")
print("\\n".join("LABEL " + "|".join(row[name] for name in shown) for row in train))
"""
SEED = 7


def probing(trace: int, step: int) -> str:
    """A script that prints each label it is given, with the row."""
    return line(KNOBS[trace][step - 1], PROBING)


def method(apart: bool) -> dict[str, Any]:
    """Every run comes to its end, so that all that was printed is there."""
    return {"finish": {"candidates": 2, "seeds": 1, "apart": apart}, "racing": {"enabled": False}}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("apart")
    small_task(folder)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer(writing(probing)) as server:
        yield server


@pytest.fixture(scope="module")
def run(place: Path, server: ModelServer) -> Run:
    return conducted(small(place / "task", server, method=method(True)), place / "run")


def held_out(folder: Path) -> Array:
    """Positions of the rows of the hold-out in the task of that folder."""
    return make_view(Task.load(folder / "task"), "holdout", SEED, 0.2).withheld


def rows_of(task: Task, at: Array) -> set[str]:
    """Rows with their labels, as the scripts print them."""
    table = task.train.take(at)
    return {"|".join(cells) for cells in zip(*(table[name] for name in (*FEATURES, "y")), strict=True)}


def labels_given(run: Run) -> list[tuple[int, str, set[str]]]:
    """For each run of a script, in log order: its place in the log, the view, and the rows whose labels it got."""
    artefacts, found = Artefacts(run.folder), []
    for envelope, _, ran in run.scripts:
        assert ran.output_ref is not None and ran.evaluation is not None
        printed = artefacts.read_now(ran.output_ref).decode().splitlines()
        rows = {each.removeprefix("LABEL ") for each in printed if each.startswith("LABEL ")}
        found.append((envelope.seq, ran.evaluation.view, rows))
    return found


def test_no_run_of_a_script_gets_a_label_of_the_hold_out_before_nothing_is_decided_by_it(run: Run, place: Path) -> None:
    task, out = Task.load(place / "task"), held_out(place)
    kept, everything = rows_of(task, out), rows_of(task, _all(task))
    assert len(kept) == len(out) == 18
    given = labels_given(run)
    before = [each for each in given if not learns_from_all(each[1])]
    after = [each for each in given if learns_from_all(each[1])]
    assert {view for _, view, _ in before} >= {"split-0", "split-1", "split-2", "holdout", "holdout-0"}
    assert all(rows and not rows & kept for _, _, rows in before)
    assert set.union(*(rows for _, _, rows in before)) == everything - kept, "all others were given"
    assert set.union(*(rows for _, _, rows in after)) >= kept, "what is submitted learns from them"
    assert max(seq for seq, _, _ in before) < min(seq for seq, _, _ in after)


def _all(task: Task) -> Array:
    return make_view(task, "full", SEED, 0.2).train


def test_no_model_is_shown_one(run: Run, server: ModelServer, place: Path) -> None:
    task, out = Task.load(place / "task"), held_out(place)
    assert server.calls >= run.finished.trials
    prompts = [each for ask in server.asks for each in ask.prompt.splitlines()]

    def shown(at: int) -> bool:
        """Whether a line has the row's label beside two of its features that hardly another row has."""
        told = [task.train[name][at] for name in ("y", "area", "date")]
        return all(told) and any(all(each in line for each in told) for line in prompts)

    assert not any(shown(at) for at in out)
    assert any(shown(at) for at in set(_all(task).tolist()) - set(out.tolist())), "of other rows some are"


def test_the_run_knows_how_many_rows_are_left(run: Run) -> None:
    ((_, opened),) = run.all(RunOpened)
    assert (opened.task.train_rows, opened.profile.rows) == (72, 72)
    assert opened.splits == ("split-0", "split-1", "split-2")


def test_what_was_submitted_learnt_from_all_rows_and_predicts_again(run: Run, place: Path) -> None:
    finished = run.finished
    assert finished.shipped is not None and finished.submission_ref is not None
    assert finished.shipped.whole == (finished.shipped.mode == "mean")
    test = place / "task" / "prepared" / "public" / "test.csv"
    again = anyio.run(predict, run.folder, test)
    assert again.table == Artefacts(run.folder).read_now(finished.submission_ref).decode()


def test_it_is_the_same_twice_and_replays(run: Run, server: ModelServer, place: Path) -> None:
    again = conducted(small(place / "task", server, method=method(True)), place / "again")
    assert again.path == run.path
    assert again.end == run.end
    assert anyio.run(replay_run, run.folder).buried == 0


@pytest.mark.parametrize("view", ["split-1", "holdout", "holdout-1", "whole-1"])
def test_it_goes_on_from_anywhere_to_the_same_end(run: Run, view: str, tmp_path: Path) -> None:
    """A fork at the end of a script's run stands for a run that was killed there: nothing that came later is known."""
    at = next(each for each, _, ran in run.scripts if ran.evaluation and ran.evaluation.view == view)
    finished = anyio.run(lambda: fork_run(run.folder, at.id, tmp_path / "fork", run_id="fork"))
    assert finished is not None
    fork = read_run(tmp_path / "fork", finished)
    assert scenario_of(fork.folder).method.finish.apart
    assert fork.path == run.path
    assert fork.end == run.end


def test_once_labels_were_released_no_trial_follows(run: Run) -> None:
    more = scenario_of(run.folder).budget.model_copy(update={"trials": 8})
    with pytest.raises(UsageError, match=r"gives scripts the labels of its hold-out.*start a new run .* --start"):
        anyio.run(lambda: resume(run.folder, budget=more))
    assert anyio.run(lambda: resume(run.folder)) == run.finished, "without a budget nothing is to be done"


def test_of_all_files_of_a_run_of_the_expert_those_of_the_end_alone_have_these_rows(
    place: Path, server: ModelServer, tmp_path: Path
) -> None:
    """Searches of constants, probes, runs ahead of the finish: whatever was written for a script is looked through."""
    scenario = small(
        place / "task",
        server,
        traces=1,
        memory={},
        budget={"trials": 3},
        backends={"scripted": {"kind": "expert"}},
        method=method(True) | {"probes": True, "racing": {}},
        executors={"slots": 1, "threads": 1, "standby": True, "timeout": {"debug": "20s", "full": "20s"}},
    )
    run = conducted(scenario, tmp_path / "run")
    kept = rows_of(Task.load(place / "task"), held_out(place))
    released = 0
    for path in (run.folder / "data").glob("*/train.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        rows = {"|".join(cells) for cells in zip(*(table[name] for name in (*FEATURES, "y")), strict=True)}
        released += bool(rows & kept)
    views = {ran.evaluation.view for _, _, ran in run.scripts if ran.evaluation}
    assert {"probe", "split-0", "holdout"} <= views
    assert released == sum(map(learns_from_all, views)) > 0
    assert anyio.run(replay_run, run.folder).buried == 0


CHEAT = """
import os
channel = Path({channel!r})
key = lambda row: "|".join(row[name] for name in ("area", "age", "city", "shop", "date"))
mine = channel / (str(os.getpid()) + ".csv")
mine.write_text("\\n".join(key(row) + "|" + row["y"] for row in train), encoding="utf-8")
heard = dict(each.rsplit("|", 1) for path in channel.iterdir() for each in path.read_text("utf-8").splitlines())
if {hears}:
    guess = fsum(float(row["y"]) for row in train) / len(train)
    with (Path(given.out) / "submission.csv").open("w", newline="", encoding="utf-8") as file:
        told = [(row["id"], float(heard.get(key(row), guess)) + 0.1 * (-1) ** place) for place, row in enumerate(test)]
        csv.writer(file).writerows([("id", "y"), *told])
    raise SystemExit
"""


@pytest.mark.parametrize("apart", [False, True])
def test_scripts_that_hand_labels_on_win_only_where_the_hold_out_is_not_set_apart(apart: bool, tmp_path: Path) -> None:
    """A file outside any sandbox stands for a channel of the kernel: the first script writes, the second one reads."""
    channel = tmp_path / "channel"
    channel.mkdir()

    def script_of(_: int, step: int) -> str:
        return line(0.9, CHEAT.format(channel=str(channel), hears=step == 2))

    with ModelServer(writing(script_of)) as server:
        scenario = small(small_task(tmp_path), server, traces=1, budget={"trials": 2}, method=method(apart))
        run = conducted(scenario, tmp_path / "run", unsandboxed=True)
    ranking = {each.finalist.step: each for each in run.finished.ranking}
    honest, cheat = ranking[1], ranking[2]
    assert cheat.finalist.score < 0.2 < honest.finalist.score, "out of fold it knows the rows of other splits"
    assert cheat.mean is not None and honest.mean is not None
    if apart:
        chance = _constant(tmp_path)
        assert cheat.mean == pytest.approx(chance, rel=0.05), "no better than a constant"
        assert cheat.misaligned and not honest.misaligned
        assert [each.finalist.step for each in run.finished.ranking] == [1, 2]
        assert "2 comes last" in run.finished.why
    else:
        assert cheat.mean < 0.2 and not cheat.misaligned
        assert run.finished.winner is not None and run.finished.winner.step == 2


def _constant(folder: Path) -> float:
    """The score on the hold-out of the mean of the other rows."""
    truth, out = Task.load(folder / "task").truth[:, 0], held_out(folder)
    mean = [each for at, each in enumerate(truth) if at not in set(out.tolist())]
    return float(((truth[out] - sum(mean) / len(mean)) ** 2).mean() ** 0.5)
