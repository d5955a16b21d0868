"""The first question of a run goes alone, so that the provider has the prefix of all prompts before traces ask."""

from pathlib import Path
from threading import Event, Lock

import pytest

from benchmarks.shared.prefix_cache import LEAST, PrefixCache
from tests.agents.helpers.canned import canned
from tests.agents.helpers.model_server import Ask, ModelServer, Play
from tests.agents.helpers.responses_server import KEY, responding
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import quick_task, small


def test_the_survey_warms_the_cache_for_all_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    cache, lock, another = PrefixCache(), Lock(), Event()
    cached: list[tuple[str, int]] = []

    def turn(ask: Ask) -> Play:
        with lock:
            if cached:
                another.set()
            cached.append((ask.kind, cache.cached(ask.body)))
            first = len(cached) == 1
        if first:
            assert not another.wait(0.5), "another question came before the first was answered"
        cache.keep(ask.body)
        return canned(ask)

    with ModelServer(responding(turn)) as server:
        backend = {
            "kind": "openai",
            "api": "responses",
            "model": "m",
            "base_url": server.base_url,
            "api_key_env": "MY_KEY",
            "structured": "json",
        }
        changed = {
            "backends": {"scripted": backend},
            "traces": 4,
            "budget": {"trials": 8},
            "memory": {},
            "executors": {"repairs": 0},
        }
        run = conducted(small(quick_task(tmp_path), server, **changed), tmp_path / "run")
    assert run.finished.trials == 8
    assert [each for each in cached if each[0] == "survey_task"] == [("survey_task", 0)]
    assert {kind for kind, count in cached if count < LEAST} == {"survey_task"}, "all others find the prefix"
    assert len(cached) == server.calls == 1 + 3 * 8
