"""Once a run comes to its end, no model is asked for steps that are still open: they end as unfinished, and say why."""

import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.protocol.messages import Diagnosis, Proposal, Trial
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import resume, start_run
from gome.agents.runtime.replay import replay_run
from gome.bus.store.fork import fork
from gome.scenarios.config.scenario import Budget
from gome.viewer.model.summary import summarise
from tests.agents.helpers.model_server import Ask, ModelServer, Play
from tests.agents.helpers.runs import Run, conducted, read_run
from tests.agents.helpers.stubs import line, quick_task, small, writing
from tests.agents.helpers.waiting import recorded, stop_taken

ONE_TRACE: dict[str, Any] = {"traces": 1, "memory": {}, "method": {"finish": {"candidates": 1, "seeds": 1}}}
WRITE = writing(lambda _, step: line(0.3 + 0.1 * step))
BROKEN = writing(lambda *_: "raise SystemExit(3)")


@pytest.mark.parametrize(
    ("before", "calls", "reason"),
    [
        ("recollection", 4, "not proposed: the run was asked to finish"),
        ("proposal", 5, "not written: the run was asked to finish"),
    ],
)
def test_a_finish_asks_no_model_for_the_step_that_was_open(
    tmp_path: Path, before: str, calls: int, reason: str
) -> None:
    with ModelServer(WRITE) as server:
        whole = conducted(small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 2}), tmp_path / "whole")
        at = next(each for each in whole.envelopes if each.kind == before and each.step == 2)
        asked = len(server.asks)
        run = finished_from(whole.folder, at.id, tmp_path / "short")
        assert len(server.asks) == asked, "nobody was asked anything"
    assert run.finished.winner is not None
    assert run.finished.winner.step == 1
    *_, (_, diagnosis) = run.all(Diagnosis)
    assert (diagnosis.verdict, diagnosis.reason) == ("unfinished", reason)
    summary = summarise(run.envelopes)
    assert summary.trial_words == "1 accepted, 0 rejected, 0 failed, 1 unfinished"
    assert summary.total().calls == calls, "a question that was not put is no call"
    anyio.run(replay_run, run.folder)


def finished_from(source: Path, at: str, folder: Path) -> Run:
    """The run cut off at that message, and finished."""

    async def cut_and_finish() -> RunFinished | None:
        await anyio.to_thread.run_sync(fork, source, folder, at, folder.name)
        return await resume(folder, finish=True)

    finished = anyio.run(cut_and_finish)
    assert finished is not None
    return read_run(folder, finished)


def test_a_finish_asks_for_no_repair_and_for_no_words_about_what_failed(tmp_path: Path) -> None:
    with ModelServer(BROKEN) as server:
        whole = conducted(small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 1}), tmp_path / "whole")
        failed = next(each for each in whole.envelopes if each.kind == "repair_called")
        judged = next(each for each in whole.envelopes if each.kind == "trial")
        asked = len(server.asks)
        unrepaired = finished_from(whole.folder, failed.id, tmp_path / "unrepaired")
        unjudged = finished_from(whole.folder, judged.id, tmp_path / "unjudged")
        assert len(server.asks) == asked
    *_, (_, diagnosis) = unrepaired.all(Diagnosis)
    assert diagnosis.verdict == "unfinished"
    assert diagnosis.reason == "not repaired: the run was asked to finish; it had failed: ended with status 3"
    *_, (_, diagnosis) = unjudged.all(Diagnosis)
    assert (diagnosis.verdict, diagnosis.reason) == ("failed", "ended with status 3")
    for run in (unrepaired, unjudged):
        anyio.run(replay_run, run.folder)


def test_a_trial_that_was_run_is_judged_at_the_finish_as_it_may_win(tmp_path: Path) -> None:
    with ModelServer(WRITE) as server:
        whole = conducted(small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 2}), tmp_path / "whole")
        at = next(each for each in whole.envelopes if each.kind == "trial" and each.step == 2)
        asked = len(server.asks)
        run = finished_from(whole.folder, at.id, tmp_path / "short")
        assert [ask.kind for ask in server.asks[asked:]] == ["assess_trial"]
    assert run.finished.winner is not None
    assert run.finished.winner.step == 2


def test_a_trial_that_cannot_win_is_judged_by_its_score_alone(tmp_path: Path) -> None:
    """It is worse than the best and, with no ensemble, of no further use: no answer of a model would change that."""
    worse = writing(lambda _, step: line(0.9 if step == 1 else -0.5))
    alone = {**ONE_TRACE, "method": {"finish": {"candidates": 1, "seeds": 1, "ensemble": 1}}}
    with ModelServer(worse) as server:
        whole = conducted(small(quick_task(tmp_path), server, **alone, budget={"trials": 2}), tmp_path / "whole")
        at = next(each for each in whole.envelopes if each.kind == "trial" and each.step == 2)
        asked = len(server.asks)
        run = finished_from(whole.folder, at.id, tmp_path / "short")
        assert len(server.asks) == asked
    *_, (_, diagnosis) = run.all(Diagnosis)
    assert diagnosis.verdict == "rejected"
    assert diagnosis.score is not None
    anyio.run(replay_run, run.folder)


TIMED: dict[str, Any] = {"time": "30s", "finish": 0.8}
"""Six seconds for trials, in which the task is surveyed and the first proposal is asked for."""


def test_steps_that_are_open_at_the_deadline_end_unasked_and_go_on_with_more_budget(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def slow(ask: Ask) -> Play:
        if (ask.kind, ask.step) == ("propose_step", 1):  # asked before the deadline, answered after it
            recorded(folder, "deadline_reached")
        return WRITE(ask)

    with ModelServer(slow) as server:
        run = conducted(small(quick_task(tmp_path), server, **ONE_TRACE, budget=TIMED), folder)
        assert [ask.kind for ask in server.asks] == ["survey_task", "propose_step"]
        assert len(run.all(Proposal)) == 1, "an answer that was paid for is kept"
        *_, (_, diagnosis) = run.all(Diagnosis)
        assert (diagnosis.verdict, diagnosis.reason) == ("unfinished", "not written: the time for trials was over")
        again = anyio.run(lambda: resume(folder, budget=Budget(trials=2)))
    assert again is not None
    assert [each.step for each, trial in read_run(folder, again).all(Trial)] == [2]
    anyio.run(replay_run, folder)


def test_a_resume_past_the_deadline_asks_no_model(tmp_path: Path) -> None:
    folder, over = tmp_path / "run", threading.Event()

    def hanging(ask: Ask) -> Play:
        if ask.kind == "propose_step" and not over.is_set():  # until the run was stopped twice, after the deadline
            recorded(folder, "deadline_reached")
            for _ in range(2):
                stop_taken(folder)
            over.wait(60)
        return WRITE(ask)

    with ModelServer(hanging) as server:
        scenario = small(quick_task(tmp_path), server, **ONE_TRACE, budget=TIMED)
        path = folder.with_suffix(".yaml")
        assert anyio.run(lambda: start_run(scenario, path, folder, run_id="run")) is None
        over.set()
        asked = len(server.asks)
        finished = anyio.run(lambda: resume(folder))
        assert len(server.asks) == asked
    assert finished is not None
    *_, (_, diagnosis) = read_run(folder, finished).all(Diagnosis)
    assert (diagnosis.verdict, diagnosis.reason) == ("unfinished", "not proposed: the time for trials was over")
    anyio.run(replay_run, folder)


def test_a_step_that_the_budget_of_calls_cuts_off_is_unfinished(tmp_path: Path) -> None:
    with ModelServer(WRITE) as server:
        run = conducted(small(quick_task(tmp_path), server, **ONE_TRACE, budget={"calls": 3}), tmp_path / "run")
    assert summarise(run.envelopes).trial_words == "0 accepted, 0 rejected, 0 failed, 1 unfinished"
    *_, (_, diagnosis) = run.all(Diagnosis)
    assert diagnosis.reason.startswith("not judged: ")
    assert "call not made, since it could exceed budget.calls" in diagnosis.reason
    assert run.finished.dead_letters == 0
    anyio.run(replay_run, run.folder)
