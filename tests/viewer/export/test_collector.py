"""Spans reach a collector in protobuf, over HTTP and gRPC: servers made of OpenTelemetry's own definitions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as remote

from gome.bus.store.reader import LogReader
from gome.viewer.export.otlp import spans_of
from gome.viewer.run_folders import open_reader
from tests.cli.reading.test_commands import document, gome
from tests.viewer.sample import RUN

HEADERS = "authorization=Bearer%20my-key,x-team=ours"


@dataclass
class Kept:
    """What a collector was sent: spans by their ids, and the headers of each request."""

    spans: dict[tuple[bytes, bytes], Any] = field(default_factory=dict)
    received: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    resources: set[str] = field(default_factory=set)

    def take(self, request: Any, headers: dict[str, str]) -> None:
        self.headers.append({name.lower(): value for name, value in headers.items()})
        for resource in request.resource_spans:
            self.resources |= {each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans[span.trace_id, span.span_id] = span
                    self.received += 1


class Refusing(BaseHTTPRequestHandler):
    """A server that wants another key."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Taking(Refusing):
    """A collector that takes protobuf alone."""

    kept: Kept

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fits = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
        if fits:
            self.kept.take(service.ExportTraceServiceRequest.FromString(body), dict(self.headers.items()))
        answer = service.ExportTraceServiceResponse().SerializeToString()
        self.send_response(200 if fits else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class Remote(remote.TraceServiceServicer):
    """The same over gRPC."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.kept.take(request, dict(context.invocation_metadata()))
        return service.ExportTraceServiceResponse()


def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(params=["http/protobuf", "grpc"])
def collector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Kept]]:
    """A collector's address, with the environment set to its protocol, and what it keeps."""
    kept = Kept()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", request.param)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", HEADERS)
    if request.param == "http/protobuf":
        for address in serving(type("Handler", (Taking,), {"kept": kept})):
            yield address, kept
        return
    server = grpc.server(ThreadPoolExecutor(2))
    add: Any = remote.add_TraceServiceServicer_to_server
    add(Remote(kept), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}", kept
    server.stop(None).wait()


def about(span: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_spans_sent_twice_are_the_same_and_cost_what_cost_says(
    runs: Path, collector: tuple[str, Kept], capsys: pytest.CaptureFixture[str]
) -> None:
    address, kept = collector
    assert gome("export", RUN, "--to", "otlp", "--endpoint", address) == 0
    first = dict(kept.spans)
    assert gome("export", RUN, "--to", "otlp", "--endpoint", address) == 0
    assert kept.spans == first
    assert kept.received == 2 * len(first)
    assert kept.resources == {"gome"}
    assert all(each["authorization"] == "Bearer my-key" and each["x-team"] == "ours" for each in kept.headers)
    capsys.readouterr()
    assert gome("cost", RUN, "--json") == 0
    total = document(capsys, "cost")["total"]
    chats = [about(span) for span in first.values() if span.name.startswith("chat ")]
    assert len(chats) == total["calls"]
    assert round(sum(each["gome.usage.usd"] for each in chats), 2) == round(total["usd"], 2) == 0.21
    assert sum(span.name == "execute_tool run_script" for span in first.values()) == total["scripts"]


def test_what_is_held_is_what_the_file_says(
    runs: Path, collector: tuple[str, Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, kept = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    assert gome("export", RUN, "--to", "otlp", "--send") == 0
    with open_reader(runs / RUN) as reader:
        assert isinstance(reader, LogReader)
        spans = spans_of(reader.envelopes(), reader.artefacts, redact=False)
    assert len(kept.spans) == len(spans)
    for each in spans:
        held = kept.spans[bytes.fromhex(each.trace), bytes.fromhex(each.id)]
        assert held.parent_span_id.hex() == (each.parent or "")
        assert (held.name, held.start_time_unix_nano, held.end_time_unix_nano) == (each.name, each.start, each.end)
        assert about(held) == each.attributes
        assert held.kind == {"internal": 1, "client": 3}[each.kind]
        assert (held.status.code == 2) == (each.failed is not None)


@pytest.mark.timeout(120)
def test_a_collector_that_is_away_or_refuses_is_an_outage_in_words(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    assert gome("export", RUN, "--to", "otlp", "--endpoint", "http://127.0.0.1:1") == 75
    assert "safe to export again" in capsys.readouterr().err
    for address in serving(Refusing):
        assert gome("export", RUN, "--to", "otlp", "--endpoint", address) == 75
        assert "401" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--to", "otlp", "--endpoint", "file:///etc/passwd"), "must be an HTTP address"),
        (("--to", "otlp", "--send"), "name a collector: --endpoint"),
        (("--to", "jsonl", "--endpoint", "http://127.0.0.1:1"), "require --to otlp"),
        (("--to", "otlp", "--send", "-o", "file"), "exclude --output"),
    ],
)
def test_what_names_no_collector_is_refused(
    runs: Path, options: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gome("export", RUN, *options) == 2
    assert told in capsys.readouterr().err


def test_a_protocol_that_is_not_spoken_is_refused(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")
    assert gome("export", RUN, "--to", "otlp", "--endpoint", "http://127.0.0.1:4318") == 2
    assert "gome sends by http/protobuf or grpc" in capsys.readouterr().err
