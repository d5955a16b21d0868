"""Overhead of a model call: our `openai` backend compared with a bare `AsyncOpenAI`, against the same server.

`python -m benchmarks.calls [ROUNDS]` prints one table. The server runs in another process and answers at once, always
the same; the prompt is that of a real request. Rows are measured alternately, once per round. "Own" is the difference
of the medians: rendering the prompt, its schema, the budget, parsing and validating the reply, and metering. Besides
latency, the table shows the CPU time of this process, which a busy machine distorts less.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from gome.agents.backends.llm.prompting import render
from gome.agents.backends.llm.reply_schema import reply_schema
from gome.agents.backends.openai.backend import OpenAIBackend
from gome.agents.protocol.requests import SurveyTask
from gome.agents.protocol.workplace import Workplace
from gome.scenarios.config.scenario import OpenAIBackend as Settings
from gome.scenarios.evidence import ColumnProfile, Profile, SplitRule, TaskBrief

ROUNDS = 5
ALONE, TOGETHER, IN_FLIGHT = 100, 600, 200
COLUMNS = 30
WINDOW = 128_000

CHALLENGE = {
    "source": "scenario",
    "category": "target distribution",
    "caption": "Small counts dominate the error",
    "statement": "The target is skewed, and the metric measures ratios.",
    "reasoning": "Its skew is 1.3.",
    "metric_impact": "0.1",
}
REPLY = json.dumps({"challenges": [CHALLENGE] * 5})
BODY = json.dumps(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": REPLY}}],
        "usage": {"prompt_tokens": 2000, "completion_tokens": 400, "total_tokens": 2400},
    }
).encode()
Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one call: latency and CPU time."""

    time: float
    cpu: float


class _Handler(BaseHTTPRequestHandler):
    """Answers every request with the same completion."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Read the whole request, and answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
        self.wfile.write(head.encode() + BODY)

    def log_message(self, *_: Any) -> None:
        """Suppress the log."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 2 * IN_FLIGHT
    daemon_threads = True


def serve() -> None:
    """Serve on a free port, printed as the first line, until standard input ends."""
    import threading

    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


@contextmanager
def serving() -> Iterator[str]:
    """Start a server in another process; yields its base URL."""
    command = [sys.executable, "-m", "benchmarks.calls", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        finally:
            server.stdin.close()


def question() -> SurveyTask:
    """The survey request for a table with `COLUMNS` columns."""
    columns = tuple(
        ColumnProfile(name=f"column_{at}", role="feature", dtype="float", cardinality=5000, missing=0.0, skew=0.1)
        for at in range(COLUMNS)
    )
    task = TaskBrief(
        name="calls",
        description="Predict how many bicycles are hired out in each hour.\n" * 20,
        task_type="regression",
        id_column="id",
        targets=("y",),
        metric="rmsle",
        direction="minimize",
        prediction="value",
        submission_columns=("id", "y"),
        train_file="train.csv",
        test_file="test.csv",
        split=SplitRule(kind="random", folds=5),
        train_rows=5000,
        test_rows=3000,
    )
    place = Workplace(python="3", packages={}, threads=1, memory_gib=1.0, debug_seconds=1.0, full_seconds=1.0)
    profile = Profile(rows=5000, columns=columns)
    return SurveyTask(task=task, profile=profile, workplace=place, trace=0, step=0, seed=1)


def bare(client: AsyncOpenAI, asked: SurveyTask) -> Call:
    """A call that sends the same prompt to the same server and does nothing else."""
    prompt = render(asked, WINDOW)
    form = {"name": "survey_task", "strict": True, "schema": reply_schema(asked)}
    body: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        "response_format": {"type": "json_schema", "json_schema": form},
    }

    async def call() -> object:
        return await client.chat.completions.create(**body)

    return call


def ours(backend: OpenAIBackend, asked: SurveyTask) -> Call:
    """A call that sends one request to the backend."""

    async def call() -> object:
        answer = await backend.answer(asked)
        assert not answer.failure, answer.failure
        return answer

    return call


async def latencies(call: Call, count: int, in_flight: int) -> list[float]:
    """Milliseconds of each of `count` calls, with `in_flight` of them at a time."""
    took: list[float] = []
    numbers = iter(range(count))

    async def caller() -> None:
        for _ in numbers:
            begun = time.perf_counter()
            await call()
            took.append(1e3 * (time.perf_counter() - begun))

    async with anyio.create_task_group() as group:
        for _ in range(in_flight):
            group.start_soon(caller)
    return took


async def measure(base_url: str, rounds: int) -> dict[tuple[str, int], Cost]:
    """Medians over the rounds of median latency and mean CPU time, by (caller, calls in flight)."""
    asked = question()
    client = AsyncOpenAI(
        api_key="none", base_url=base_url, max_retries=0, http_client=DefaultAsyncHttpxClient(trust_env=False)
    )
    settings = Settings(kind="openai", model="m", base_url=base_url, concurrency=IN_FLIGHT, context=WINDOW)
    backend = OpenAIBackend(settings, "local", environment={})
    calls = {"AsyncOpenAI": bare(client, asked), "gome": ours(backend, asked)}
    costs: dict[tuple[str, int], list[Cost]] = {}
    for call in calls.values():
        await latencies(call, 20, 1)
    for _ in range(rounds):
        for in_flight, count in ((1, ALONE), (IN_FLIGHT, TOGETHER)):
            for name, call in calls.items():
                begun = time.process_time()
                took = await latencies(call, count, in_flight)
                assert len(took) == count
                cost = Cost(statistics.median(took), 1e3 * (time.process_time() - begun) / count)
                costs.setdefault((name, in_flight), []).append(cost)
    await backend.aclose()
    await client.close()
    return {
        key: Cost(statistics.median(each.time for each in found), statistics.median(each.cpu for each in found))
        for key, found in costs.items()
    }


def main(rounds: int = ROUNDS) -> None:
    """Measure and print the table."""
    with serving() as base_url:
        found = anyio.run(measure, base_url, rounds)
    print(f"{'at once':<9}{'what':<8}{'AsyncOpenAI, ms':>18}{'gome, ms':>12}{'own, ms':>12}")
    for in_flight in (1, IN_FLIGHT):
        plain, own = found["AsyncOpenAI", in_flight], found["gome", in_flight]
        for what, before, after in (("time", plain.time, own.time), ("CPU", plain.cpu, own.cpu)):
            print(f"{in_flight:<9}{what:<8}{before:>18.2f}{after:>12.2f}{after - before:>12.2f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        main(*(int(each) for each in sys.argv[1:2]))
