"""A real Phoenix holds what was sent, read back through its API. `make phoenix` installs it apart, and runs this."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from gome.viewer.export.otlp import spans_of
from gome.viewer.run_folders import open_reader
from tests.cli.reading.test_commands import document, gome

HOUSE = Path(__file__).parents[3]
RECORDED = HOUSE / "examples" / "bike-demand"
PHOENIX = HOUSE / "build" / "phoenix" / "bin" / "phoenix"
PATIENCE = 180.0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not PHOENIX.exists(), reason="no Phoenix is installed; `make phoenix` does so"),
]


def free_port() -> int:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of a Phoenix of its own: by HTTP and by gRPC."""
    by_http, by_grpc, home = free_port(), free_port(), tmp_path_factory.mktemp("phoenix")
    environment = {
        **os.environ,
        "PHOENIX_WORKING_DIR": str(home),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(by_http),
        "PHOENIX_GRPC_PORT": str(by_grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with (home / "printed.txt").open("wb") as printed:
        server = subprocess.Popen([PHOENIX, "serve"], env=environment, stdout=printed, stderr=printed)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(f"http://127.0.0.1:{by_http}/healthz"):
            assert server.poll() is None and time.monotonic() < deadline, (home / "printed.txt").read_text()[-2000:]
            time.sleep(0.5)
        yield f"http://127.0.0.1:{by_http}", f"http://127.0.0.1:{by_grpc}"
    finally:
        server.terminate()
        server.wait(30)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 - a server of this test
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def held_spans(url: str, count: int) -> list[dict[str, Any]]:
    """The spans that Phoenix holds, once there are so many: it stores them after it has answered."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with urlopen(f"{url}/v1/projects/default/spans?limit=1000", timeout=30) as answer:  # noqa: S310
            spans: list[dict[str, Any]] = json.load(answer)["data"]
        if len(spans) >= count:
            return spans
        assert time.monotonic() < deadline, f"{len(spans)} of {count} spans"
        time.sleep(0.5)


def test_phoenix_holds_a_run_sent_by_http_and_again_by_grpc(
    tmp_path: Path, phoenix: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(RECORDED, tmp_path / "run")
    with open_reader(run) as reader:
        spans = {each.id: each for each in spans_of(reader.envelopes(), reader.artefacts, redact=False)}
    for protocol, address in zip(("http/protobuf", "grpc"), phoenix, strict=True):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        assert gome("export", str(run), "--to", "otlp", "--endpoint", address) == 0
        held = {each["context"]["span_id"]: each for each in held_spans(phoenix[0], len(spans))}
        assert {name: (each["name"], each["parent_id"]) for name, each in held.items()} == {
            name: (each.name, each.parent) for name, each in spans.items()
        }
    capsys.readouterr()
    assert gome("cost", str(run), "--json") == 0
    total = document(capsys, "cost")["total"]
    kinds = Counter(each["span_kind"] for each in held.values())
    assert kinds["LLM"] == total["calls"]
    for theirs, ours in (("total", "tokens"), ("prompt", "tokens_in"), ("completion", "tokens_out")):
        told = sum(each["attributes"].get(f"llm.token_count.{theirs}", 0) for each in held.values())
        assert told == total[ours] > 0
