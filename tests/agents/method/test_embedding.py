"""Embeddings by a model behind an `openai` backend: recorded, metered, and used by the Memory-Keeper."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Embedded, Texts
from gome.agents.backends.openai.backend import OpenAIBackend
from gome.agents.runtime.replay import replay_run
from gome.bus.events import ActivityFinished
from gome.errors import GomeError, Outage, UsageError
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import MemoryKeeperSettings, Scenario
from tests.agents.backends.openai.test_backend import settings
from tests.agents.helpers.model_server import Ask, ModelServer, Play, body, fail
from tests.agents.helpers.runs import SCENARIOS, conducted
from tests.agents.helpers.stubs import knobbed, small, small_task, writing

TEXTS = Texts(model="embedder", texts=("a hot day", "a cold night"), price=2.0)


def vectors(ask: Ask) -> Play:
    """A vector of two for each text, sent in reverse order, as servers may."""
    data = [{"index": at, "embedding": [float(len(text)), 1.0]} for at, text in enumerate(ask.body["input"])]
    return body(json.dumps({"data": data[::-1], "usage": {"prompt_tokens": 7, "total_tokens": 7}}).encode())


def embedding(*turns: Any, **changed: Any) -> tuple[Embedded | GomeError, ModelServer]:
    with ModelServer(*turns) as server:

        async def ask() -> Embedded | GomeError:
            backend = OpenAIBackend(settings(server, **changed), "local", environment={}, first_wait=0.001)
            try:
                return await backend.embed(TEXTS)
            except GomeError as error:
                return error
            finally:
                await backend.aclose()

        return anyio.run(ask), server


def test_texts_get_their_vectors_in_order_and_are_metered() -> None:
    embedded, server = embedding(fail(500), vectors)
    assert isinstance(embedded, Embedded)
    assert embedded.vectors == ((9.0, 1.0), (12.0, 1.0))
    assert embedded.meter == {"calls": 2.0, "tokens": 7.0, "usd": pytest.approx(14e-6)}
    assert server.asks[1].path == "/v1/embeddings"
    assert server.asks[1].body["input"] == list(TEXTS.texts)


@pytest.mark.parametrize(
    "data",
    [[], [{"index": 0, "embedding": [1.0]}] * 2, [{"index": at, "embedding": [1.0] * (at + 1)} for at in range(2)]],
)
def test_what_is_no_vector_for_each_text_is_tried_again_and_then_pauses_the_run(data: Any) -> None:
    wrong = body(json.dumps({"data": data}).encode())
    embedded, _ = embedding(wrong, vectors)
    assert isinstance(embedded, Embedded)
    embedded, server = embedding(wrong, retries=1)
    assert isinstance(embedded, Outage)
    assert server.calls == 2


def scenario(**keeper: Any) -> Scenario:
    roles = {"diagnoser": "offline", "proposer": "offline", "executor": "offline", "memory_keeper": keeper}
    local = {"kind": "openai", "model": "m", "base_url": "http://127.0.0.1:1/v1"}
    backends = {"offline": {"kind": "expert"}, "local": local}
    return Scenario.model_validate({"name": "x", "task": "x", "backends": backends, "roles": roles})


def test_the_memory_keeper_recalls_by_the_models_vectors(tmp_path: Path) -> None:
    """A run whose ideas are embedded by a server: every recollection of something is one recorded call."""
    reasons = writing(knobbed)
    with ModelServer(lambda ask: vectors(ask) if ask.path.endswith("embeddings") else reasons(ask)) as server:
        asked = small(small_task(tmp_path), server, budget={"trials": 4})
        keeper = MemoryKeeperSettings(embedding="openai", backend="scripted", model="embedder")
        roles = asked.roles.model_copy(update={"memory_keeper": keeper})
        run = conducted(asked.model_copy(update={"roles": roles}), tmp_path / "run")
    embedded = [envelope for envelope, activity in run.all(ActivityFinished) if activity.activity == "embed"]
    assert sum(ask.path.endswith("embeddings") for ask in server.asks) == len(embedded) > 0
    assert {envelope.sender for envelope in embedded} == {"memory-keeper"}
    assert anyio.run(replay_run, tmp_path / "run").said


def test_only_an_openai_backend_embeds() -> None:
    with pytest.raises(UsageError, match="is not a backend of an OpenAI-compatible server"):
        load_scenario(
            SCENARIOS / "bike-demand.yaml",
            ["roles.memory_keeper={embedding: openai, backend: offline, model: m}"],
        )
    with pytest.raises(UsageError, match="needs `backend`"):
        load_scenario(SCENARIOS / "bike-demand.yaml", ["roles.memory_keeper={embedding: openai}"])
    assert scenario(embedding="openai", backend="local", model="e").roles.backends == ["local", "offline"]


def test_a_budget_in_usd_asks_what_the_embedding_costs() -> None:
    changes = [
        "backends.local={kind: openai, model: m, prices: {input: 0, output: 0}, base_url: 'http://127.0.0.1:1/v1'}"
    ]
    keeper = "embedding: openai, backend: local, model: e"
    with pytest.raises(
        UsageError, match=r"budget.usd: the price of the embedding model e .* roles\.memory_keeper\.price"
    ):
        load_scenario(
            SCENARIOS / "bike-demand.yaml", [*changes, f"roles.memory_keeper={{{keeper}}}", "budget={usd: 5}"]
        )
    priced = [*changes, f"roles.memory_keeper={{{keeper}, price: 0.02}}", "budget={usd: 5}"]
    assert load_scenario(SCENARIOS / "bike-demand.yaml", priced).roles.memory_keeper.price == 0.02
