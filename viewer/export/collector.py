"""Send spans to an OpenTelemetry collector in protobuf, over HTTP or gRPC, by the exporters of OpenTelemetry itself.

Headers, certificates, compression and time-outs are those of the environment variables OTEL_EXPORTER_OTLP_…, and so
are protocol (`http/protobuf` or `grpc`) and address, where none is given.
"""

import logging
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gome.errors import Outage, UsageError
from gome.viewer.export.otlp import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["send_spans"]

_BATCH = 500
_PREFIX = "OTEL_EXPORTER_OTLP"


def send_spans(spans: list[Span], endpoint: str | None = None) -> str:
    """Send the spans to a collector in batches, by default that of the environment; return its address.

    Raises UsageError where the packages are missing, or address or protocol are none; Outage where the collector fails.
    """
    protocol, address = _protocol(), _address(endpoint)
    exporter, failure = _exporter(protocol, address), _LastWords()
    told = logging.getLogger("opentelemetry")
    told.addHandler(failure)
    try:
        from opentelemetry.sdk.trace.export import SpanExportResult

        made = [_readable(each) for each in spans]
        for start in range(0, len(made), _BATCH):
            if exporter.export(made[start : start + _BATCH]) is not SpanExportResult.SUCCESS:
                raise Outage(
                    f"{address} did not accept the spans by {protocol}: {failure.words or 'no reason was given'}. "
                    "It is safe to export again: the span ids stay the same."
                )
    finally:
        told.removeHandler(failure)
        exporter.shutdown()
    return address


def _set(name: str) -> str | None:
    """A setting of the environment: the one for traces, else the one for all signals."""
    return os.environ.get(f"{_PREFIX}_TRACES_{name}") or os.environ.get(f"{_PREFIX}_{name}") or None


def _protocol() -> str:
    protocol = _set("PROTOCOL") or "http/protobuf"
    if protocol not in ("http/protobuf", "grpc"):
        raise UsageError(f"{_PREFIX}_PROTOCOL is {protocol}; gome sends by http/protobuf or grpc")
    return protocol


def _address(endpoint: str | None) -> str:
    """The collector's address, checked."""
    address, source = endpoint or _set("ENDPOINT"), "--endpoint" if endpoint else f"{_PREFIX}_ENDPOINT"
    if address is None:
        raise UsageError(f"name a collector: --endpoint http://127.0.0.1:4318, or {_PREFIX}_ENDPOINT")
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).netloc:
        raise UsageError(f"{source} {address}: must be an HTTP address such as http://127.0.0.1:4318")
    return address


def _exporter(protocol: str, address: str) -> "SpanExporter":
    try:
        if protocol == "grpc":
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc

            return OverGrpc(endpoint=address, insecure=urlsplit(address).scheme == "http")
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp
    except ImportError as error:
        raise UsageError("sending spans needs OpenTelemetry's packages: pip install 'gome[otlp]'") from error
    whole = urlsplit(address).path.endswith("/v1/traces") or os.environ.get(f"{_PREFIX}_TRACES_ENDPOINT") == address
    return OverHttp(endpoint=address if whole else f"{address.rstrip('/')}/v1/traces")


class _LastWords(logging.Handler):
    """Keeps the last line that an exporter logs: its result does not say why it failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's words."""
        self.words = (record.getMessage().splitlines() or [""])[0][:300]


def _readable(span: Span) -> "ReadableSpan":
    """The span as OpenTelemetry's exporters take it."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.status import Status, StatusCode

    attributes: dict[str, Any] = span.attributes
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace, span.id),
        parent=_context(span.trace, span.parent) if span.parent else None,
        resource=Resource({"service.name": "gome"}),
        attributes=attributes,
        kind=SpanKind.CLIENT if span.kind == "client" else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, span.failed) if span.failed else Status(StatusCode.UNSET),
        start_time=span.start,
        end_time=span.end,
        instrumentation_scope=InstrumentationScope("gome"),
    )


def _context(trace: str, span: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
