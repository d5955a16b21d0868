"""A run as OpenTelemetry spans, following the semantic conventions for generative AI, and as OTLP/JSON for files.

    invoke_workflow RUN
    └── invoke_agent ACTOR            one per message for which an actor ran activities
        ├── chat MODEL                a model call
        ├── embeddings MODEL          an embedding call
        └── execute_tool run_script   a script run, while it occupied its slot; `grade` is the private grading

Span ids are hashes of the log's ids, so repeated exports give the same spans, and a later export only adds new ones.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Literal

from gome.agents.protocol.activities import EMBEDDING, QUESTION, SCRIPT
from gome.agents.state.call_budget import REFUSED
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.message import Envelope
from gome.viewer import text
from gome.viewer.model.script_diff import Artefacts
from gome.viewer.model.timeline import WallClock, held

__all__ = ["Span", "spans_of", "trace_document"]

_KINDS = {"internal": 1, "client": 3}
_ERROR = 2
_ASKS = {QUESTION: "chat", EMBEDDING: "embeddings"}
"""The operation name of each activity that calls a model."""


@dataclass(frozen=True)
class Span:
    """A span. Ids are hexadecimal, times nanoseconds since 1970; `failed` is the type of its error, None for none."""

    trace: str
    id: str
    parent: str | None
    name: str
    start: int
    end: int
    attributes: dict[str, str | int | float]
    kind: Literal["internal", "client"] = "internal"
    failed: str | None = None


def trace_document(spans: list[Span]) -> dict[str, Any]:
    """An `ExportTraceServiceRequest` as JSON data."""
    resource = {"attributes": _attributes({"service.name": "gome"})}
    made = [_in_json(each) for each in spans]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "gome"}, "spans": made}]}]}


def _in_json(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace,
        "spanId": span.id,
        **({"parentSpanId": span.parent} if span.parent else {}),
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _attributes(span.attributes),
        "status": {"code": _ERROR} if span.failed else {},
    }


def spans_of(envelopes: Iterable[Envelope], artefacts: Artefacts, redact: bool) -> list[Span]:
    """The spans of a run, from its messages in log order. Activities in progress have no span.

    With `redact`, prompts and answers are left out.
    """
    run = _Run(artefacts, redact)
    for each in envelopes:
        run.apply(each)
    return list(run.spans())


@dataclass
class _Handling:
    """The handling of one message by an actor, in seconds since the run's start."""

    actor: str
    first: Envelope
    start: float
    end: float


@dataclass
class _Run:
    artefacts: Artefacts
    redact: bool
    name: str = ""
    end: float = 0.0
    clock: WallClock = field(default_factory=WallClock)
    begun: dict[tuple[str, str | None, int], tuple[float, str]] = field(default_factory=dict)
    """The start of each activity and the artefact with its request."""
    handlings: dict[tuple[str, str | None], _Handling] = field(default_factory=dict)
    finished: list[tuple[Envelope, ActivityFinished, float, float]] = field(default_factory=list)

    def apply(self, envelope: Envelope) -> None:
        """Update the state with the next message."""
        self.name, self.end = envelope.run, max(self.end, envelope.time)
        message = envelope.message
        self.clock.apply(envelope)
        if isinstance(message, ActivityStarted):
            self.begun[envelope.sender, envelope.cause, message.ordinal] = envelope.time, message.request_ref
        elif isinstance(message, ActivityFinished):
            known = self.begun.get((envelope.sender, envelope.cause, message.ordinal))
            start, end = known[0] if known else envelope.time - message.seconds, envelope.time
            if message.activity == SCRIPT:
                start, end = held(message, start, end)
            self.finished.append((envelope, message, start, end))
            own = self.handlings.setdefault(
                (envelope.sender, envelope.cause), _Handling(envelope.sender, envelope, start, envelope.time)
            )
            own.start, own.end = min(own.start, start), max(own.end, envelope.time)

    def spans(self) -> Iterator[Span]:
        """The workflow span, then the agent spans, then the activity spans."""
        root = self._id("run")
        named = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "gome", "gome.run": self.name}
        yield self._span(root, None, f"invoke_workflow {self.name}", 0.0, self.end, named)
        for (actor, cause), each in self.handlings.items():
            about = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": actor, **_place(each.first)}
            yield self._span(self._id(actor, cause), root, f"invoke_agent {actor}", each.start, each.end, about)
        for envelope, message, start, end in self.finished:
            yield self._activity(envelope, message, start, end)

    def _activity(self, envelope: Envelope, message: ActivityFinished, start: float, end: float) -> Span:
        result = json.loads(self.artefacts.read_now(message.result_ref))
        about: dict[str, Any] = {"gen_ai.agent.name": envelope.sender, **_place(envelope)}
        operation = _ASKS.get(message.activity)
        kind: Literal["internal", "client"] = "internal" if operation is None else "client"
        if operation is None:
            tool = "run_script" if message.activity == SCRIPT else message.activity
            name = f"execute_tool {tool}"
            about |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
            about |= {"gen_ai.tool.type": "function", "gen_ai.tool.call.id": envelope.id}
            failed = None if result.get("cause", "ok") == "ok" else str(result["cause"])
        else:
            model = result.get("model") or self._asked(envelope, message).get("model")
            name = f"{operation} {model or ''}".rstrip()
            about |= {"gen_ai.operation.name": operation, "gen_ai.request.model": model}
            about |= {"gen_ai.provider.name": result.get("provider") or "gome"}
            about |= _usage(result, message)
            about |= {} if self.redact else _words(result)
            unasked = any(unit.startswith(REFUSED) for unit in message.meter)
            failed = None if not result.get("failure") else "not_asked" if unasked else "reply_invalid"
        about |= {"gome.label": message.label, "error.type": failed}
        parent = self._id(envelope.sender, envelope.cause)
        return replace(self._span(self._id(envelope.id), parent, name, start, end, about), kind=kind, failed=failed)

    def _asked(self, envelope: Envelope, message: ActivityFinished) -> dict[str, Any]:
        """The request of an activity: embedding calls name their model only there."""
        known = self.begun.get((envelope.sender, envelope.cause, message.ordinal))
        asked: dict[str, Any] = json.loads(self.artefacts.read_now(known[1])) if known else {}
        return asked

    def _span(self, id_: str, parent: str | None, name: str, start: float, end: float, about: dict[str, Any]) -> Span:
        return Span(
            trace=blake2b(self.name.encode(), digest_size=16).hexdigest(),
            id=id_,
            parent=parent,
            name=text.line(name),
            start=round(self.clock.at(start) * 1e9),
            end=round(self.clock.at(end) * 1e9),
            attributes={
                key: text.clean(value) if isinstance(value, str) else value
                for key, value in about.items()
                if value is not None
            },
        )

    def _id(self, *names: str | None) -> str:
        return blake2b("\x1f".join((self.name, *(name or "" for name in names))).encode(), digest_size=8).hexdigest()


def _place(envelope: Envelope) -> dict[str, Any]:
    return {
        "gen_ai.conversation.id": envelope.correlation,
        "gome.trace": envelope.trace,
        "gome.step": envelope.step,
        "gome.message.id": envelope.cause,
    }


def _usage(result: dict[str, Any], message: ActivityFinished) -> dict[str, Any]:
    usage = result.get("usage") or {}
    return {
        "gen_ai.usage.input_tokens": usage.get("input"),
        "gen_ai.usage.output_tokens": usage.get("output"),
        "gen_ai.usage.cache_read.input_tokens": usage.get("cached"),
        "gome.usage.tokens": message.meter.get("tokens"),
        "gome.usage.usd": message.meter.get("usd"),
    }


def _words(result: dict[str, Any]) -> dict[str, Any]:
    """Prompt and answer as attributes: lists of messages in JSON, as the conventions require."""
    messages = {
        "gen_ai.input.messages": ("user", result.get("prompt")),
        "gen_ai.output.messages": ("assistant", result.get("raw")),
    }
    return {
        name: json.dumps([{"role": role, "parts": [{"type": "text", "content": text.clean(words)}]}])
        for name, (role, words) in messages.items()
        if words
    }


def _attributes(values: dict[str, str | int | float]) -> list[dict[str, Any]]:
    """Attributes in OTLP/JSON."""
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: str | int | float) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
