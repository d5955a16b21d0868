"""The window of a model: set, or asked of its server in whichever way servers say it; prompts are cut to it."""

from typing import Any

import anyio
import pytest

from gome.agents.backends.llm.asking import USUAL_WINDOW
from gome.agents.backends.openai.backend import OpenAIBackend
from gome.agents.backends.openai.context_window import ask_window
from tests.agents.backends.openai.test_backend import GOOD, settings
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.model_server import ModelServer

LONG = made.survey_task(task=made.TASK.model_copy(update={"description": "words " * 8_000}))


def listed(*models: dict[str, Any]) -> dict[str, Any]:
    """The page that lists those models."""
    return {"/v1/models": {"data": list(models)}}


def window_of(pages: dict[str, Any], asked: int = 1, **changed: Any) -> tuple[int, ModelServer]:
    """What the backend takes the window of model `m` for, on a server with those pages, asked so many times."""
    with ModelServer(GOOD) as server:
        server.pages = pages

        async def ask() -> int:
            backend = OpenAIBackend(settings(server, **changed), "local", environment={})
            windows = [await backend.window() for _ in range(asked)]
            await backend.aclose()
            return windows[-1]

        return anyio.run(ask), server


@pytest.mark.parametrize(
    ("pages", "size"),
    [
        (listed({"id": "n", "max_model_len": 9}, {"id": "m", "max_model_len": 4096}), 4096),
        (listed({"id": "/path/of.gguf", "meta": {"n_ctx": 8192, "n_ctx_train": 131072}}), 8192),
        (listed({"id": "m", "context_length": 9000, "top_provider": {"context_length": 7000}}), 7000),
        (listed({"id": "m"}) | {"/props": {"default_generation_settings": {"n_ctx": 6000}}}, 6000),
        (listed({"id": "m"}) | {"/api/ps": {"models": [{"name": "m:latest", "context_length": 5000}]}}, 5000),
        (listed({"id": "n", "max_model_len": 9}, {"id": "o", "max_model_len": 9}), USUAL_WINDOW),
        ({"/v1/models": {"data": "none", "models": 3}, "/props": [], "/api/ps": "?"}, USUAL_WINDOW),
        ({}, USUAL_WINDOW),
    ],
    ids=["vLLM", "llama.cpp", "OpenRouter", "older llama.cpp", "Ollama", "not listed", "nonsense", "says nothing"],
)
def test_a_server_is_asked_once(pages: dict[str, Any], size: int) -> None:
    found, server = window_of(pages, asked=2)
    assert found == size
    assert server.looked.count("/v1/models") == 1
    assert server.calls == 0


def test_a_window_that_is_set_is_not_asked_for() -> None:
    found, server = window_of(listed({"id": "m", "max_model_len": 4096}), context=16_000)
    assert (found, server.looked) == (16_000, [])


def test_a_model_that_ollama_has_not_loaded_is_loaded_first() -> None:
    """Ollama cuts a prompt that is too long without a word, and says a model's window once it is loaded."""
    loaded: list[dict[str, Any]] = []

    async def fetch(path: str, body: Any) -> Any:
        if path == "/api/generate":
            loaded.append({"model": body["model"], "context_length": 4096})
            return {"done": True}
        return {"models": loaded} if path == "/api/ps" else None

    async def ask() -> int | None:
        return await ask_window(fetch, "qwen3", "/v1")

    assert anyio.run(ask) == 4096
    assert [each["model"] for each in loaded] == ["qwen3"]


def test_a_server_that_is_down_is_asked_again_later() -> None:
    with ModelServer(GOOD) as server:
        gone = settings(server)

    async def ask() -> int:
        backend = OpenAIBackend(gone, "local", environment={})
        assert await backend.window() == USUAL_WINDOW
        port = int(gone.base_url.rsplit(":", 1)[1].removesuffix("/v1")) if gone.base_url else 0
        with ModelServer(GOOD, port=port) as back:
            back.pages = listed({"id": "m", "max_model_len": 4096})
            size = await backend.window()
        await backend.aclose()
        return size

    assert anyio.run(ask) == 4096


def test_a_prompt_is_cut_to_the_window_that_the_server_names_and_the_cut_is_recorded() -> None:
    with ModelServer(GOOD) as server:
        server.pages = listed({"id": "m", "max_model_len": 8192})

        async def ask() -> tuple[str, ...]:
            backend = OpenAIBackend(settings(server, max_tokens=2000), "local", environment={})
            answer = await backend.answer(LONG)
            await backend.aclose()
            return answer.cut

        (cut,) = anyio.run(ask)
    assert "characters: description of the task" in cut
    assert len(server.asks[0].prompt.encode()) < 3 * (8192 - 2000)
