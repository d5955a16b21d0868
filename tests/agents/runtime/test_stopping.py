"""A run that is stopped takes in the answers that are in flight, which are paid for, and begins no further question."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import anyio

from gome.agents.protocol.messages import VOCABULARY, Job
from gome.agents.runtime.lifecycle import resume, start_run
from gome.agents.runtime.replay import replay_run
from gome.agents.runtime.stopping import waiting_words
from gome.bus.store.reader import LogReader
from tests.agents.helpers.model_server import Ask, ModelServer, Play
from tests.agents.helpers.runs import read_run
from tests.agents.helpers.stubs import line, quick_task, small, writing
from tests.agents.helpers.waiting import stop_taken

ONE_TRACE: dict[str, Any] = {"traces": 1, "memory": {}, "method": {"finish": {"candidates": 1, "seeds": 1}}}
WRITE = writing(lambda _, step: line(0.3 + 0.1 * step))


def test_an_answer_in_flight_is_taken_in_and_not_paid_for_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def turn(ask: Ask) -> Play:
        if ask.kind == "write_solution":
            stop_taken(folder)
        return WRITE(ask)

    with ModelServer(turn, turn, turn, WRITE) as server:
        scenario = small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 1})
        path = folder.with_suffix(".yaml")
        assert anyio.run(lambda: start_run(scenario, path, folder, run_id="run")) is None
        assert [ask.kind for ask in server.asks] == ["survey_task", "propose_step", "write_solution"]
        with LogReader(folder, VOCABULARY) as reader:
            assert reader.in_flight() == []
            assert len(list(reader.envelopes(kinds=["job"]))) == 1
        finished = anyio.run(lambda: resume(folder))
        assert Counter(ask.kind for ask in server.asks) == Counter(
            ["survey_task", "propose_step", "write_solution", "assess_trial"]
        )
    assert finished is not None
    assert len(read_run(folder, finished).all(Job)) == 1
    anyio.run(replay_run, folder)


def test_a_second_stop_leaves_at_once(tmp_path: Path) -> None:
    folder, ended = tmp_path / "run", threading.Event()

    def turn(ask: Ask) -> Play:
        if ask.kind == "write_solution" and not ended.is_set():
            stop_taken(folder)
            stop_taken(folder)
            ended.wait(60)
        return WRITE(ask)

    with ModelServer(turn) as server:
        scenario = small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 1})
        path = folder.with_suffix(".yaml")
        assert anyio.run(lambda: start_run(scenario, path, folder, run_id="run")) is None
        ended.set()
        with LogReader(folder, VOCABULARY) as reader:
            (begun,) = reader.in_flight()
            assert begun.sender == "writer-0"
        assert anyio.run(lambda: resume(folder)) is not None
    anyio.run(replay_run, folder)


def test_the_bounds_are_said() -> None:
    assert waiting_words(0) == "waiting up to 30 s for running work; finished work is saved"
    words = "waiting for 2 answers in flight, 10 min at most, and up to 30 s for running work; finished work is saved"
    assert waiting_words(2) == words
