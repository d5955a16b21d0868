"""Streamed answers: the same replies and meters, and for each way a stream can break, what is done about it."""

import json
import socket
import threading
from typing import Any

import anyio
import pytest

from gome.agents.backends.openai.backend import OpenAIBackend
from gome.errors import Outage
from gome.scenarios.config.scenario import OpenAIBackend as Settings
from tests.agents.backends.openai.test_backend import GOOD, SURVEY, asking
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import answered
from tests.agents.helpers.model_server import ModelServer, fail, half, refuse, say, stream

STREAMED = stream(SURVEY)


def test_a_streamed_answer_is_the_same_as_a_whole_one() -> None:
    whole, _ = asking(GOOD)
    outcome, server = asking(STREAMED, stream=True)
    answer = answered(outcome)
    assert (answer.reply, answer.raw, answer.model) == (json.loads(SURVEY), SURVEY, "model-as-answered")
    assert answer.usage == answered(whole).usage
    assert server.asks[0].body["stream"] is True
    assert server.asks[0].body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    "turn",
    [
        stream(SURVEY, end=False),
        stream(SURVEY, corrupt=True),
        half(),
        fail(500),
        stream('{"error"', end=False),
    ],
    ids=["cut short", "corrupt chunk", "broken line", "500", "cut at once"],
)
def test_a_stream_that_breaks_is_tried_again_and_then_pauses_the_run(turn: Any) -> None:
    outcome, server = asking(turn, STREAMED, stream=True)
    assert answered(outcome).retries == 1
    outcome, server = asking(turn, stream=True, retries=1)
    assert isinstance(outcome, Outage)
    assert server.calls == 2


def test_a_server_that_does_not_stream_is_read_as_it_answers() -> None:
    outcome, server = asking(say(SURVEY), stream=True)
    assert (answered(outcome).reply, server.calls) == (json.loads(SURVEY), 1)
    outcome, server = asking(refuse("stream", say(SURVEY)), stream=True)
    assert ["stream" in ask.body for ask in server.asks] == [True, False]
    assert answered(outcome).reply == json.loads(SURVEY)


def test_a_server_that_does_not_count_streams_has_unknown_usage() -> None:
    outcome, server = asking(refuse("stream_options", stream(SURVEY, usage=None)), stream=True)
    answer = answered(outcome)
    assert answer.usage is not None
    assert answer.usage.input is None
    assert ["stream_options" in ask.body for ask in server.asks] == [True, False]


@pytest.mark.parametrize("grows", [True, False])
def test_slow_tokens_are_waited_for_and_silence_is_not(grows: bool) -> None:
    """Each piece is in time although the whole is not; lines that add nothing to the answer are silence."""
    lines = STREAMED.body.decode().split("\n\n") if grows else [": still here"] * 10_000
    ended = threading.Event()

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(1 << 20)
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                for each in lines:
                    try:
                        line.sendall(each.encode() + b"\n\n")
                    except OSError:
                        return
                    if ended.wait(0.02):
                        return

        thread = threading.Thread(target=drip)
        thread.start()

        async def ask() -> None:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            settings = Settings(
                kind="openai", model="m", base_url=url, timeout=0.5, retries=0, stream=True, context=32_000
            )
            backend = OpenAIBackend(settings, "x", environment={})
            if grows:
                assert len(lines) * 0.02 > 0.5, "longer than the timeout in all"
                assert (await backend.answer(made.survey_task())).reply == json.loads(SURVEY)
            else:
                with pytest.raises(Outage, match="no answer within"):
                    await backend.answer(made.survey_task())
            await backend.aclose()

        anyio.run(ask)
        ended.set()
        thread.join()


def test_calls_begin_no_faster_than_the_rate() -> None:
    times: list[float] = []

    with ModelServer(GOOD) as server:
        settings = Settings(kind="openai", model="m", base_url=server.base_url, rate=600)

        async def ask() -> None:
            backend = OpenAIBackend(settings, "x", environment={})
            times.append(anyio.current_time())
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(backend.answer, made.survey_task())
            times.append(anyio.current_time())
            await backend.aclose()

        anyio.run(ask)
    assert times[1] - times[0] >= 4 * 0.1 * 0.99, "a tenth of a second between two"
