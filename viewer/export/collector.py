"""Send spans to an OpenTelemetry collector as OTLP/JSON over HTTP."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from gome.errors import Outage, UsageError
from gome.viewer.export.otlp import trace_document

__all__ = ["post_spans"]

_BATCH = 500
_SECONDS = 30.0


def post_spans(endpoint: str, spans: list[dict[str, Any]]) -> int:
    """Send the spans to `ENDPOINT/v1/traces` in batches; return their number.

    Raises UsageError where the endpoint is not an HTTP address, Outage where the collector fails.
    """
    if urlsplit(endpoint).scheme not in ("http", "https"):
        raise UsageError(f"--endpoint {endpoint}: must be an HTTP address such as http://127.0.0.1:4318")
    address = endpoint.rstrip("/") + ("" if urlsplit(endpoint).path.endswith("/v1/traces") else "/v1/traces")
    for start in range(0, len(spans), _BATCH):
        body = json.dumps(trace_document(spans[start : start + _BATCH])).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                answer.read()
        except (urllib.error.URLError, OSError) as error:
            raise Outage(
                f"{address} did not accept the spans: {error}. It is safe to export again: the span ids stay the same."
            ) from error
    return len(spans)
