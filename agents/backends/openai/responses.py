"""The Responses protocol: what is sent, and what is made of a streamed or a whole response."""

import json
from dataclasses import dataclass, field
from typing import Any

from gome.agents.backends.base import Usage
from gome.agents.backends.llm.prompting import Rendered
from gome.agents.backends.llm.replies import LONGEST_ANSWER
from gome.agents.backends.llm.wire import (
    BodyError,
    Completion,
    ErrorBody,
    count_of,
    ends_badly,
    read_parts,
)

__all__ = ["StreamedResponse", "body_of", "read_response"]

_SAME = ("temperature", "prompt_cache_key", "service_tier", "stream")
"""Parameters that have the same name in both protocols."""
_RUNAWAY = {"output": [], "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
"""What an answer of a model that does not end comes to: it is cut off, as at its limit of tokens."""


def body_of(model: str, prompt: Rendered, parameters: dict[str, Any], *, system: bool) -> dict[str, Any]:
    """The request, with the parameters of chat completions under the names of Responses. Nothing is stored.

    `system`: the system text is sent as such, else before the question.
    """
    body: dict[str, Any] = {"model": model, "store": False}
    body |= {"instructions": prompt.system, "input": prompt.user} if system else {"input": prompt.alone[0]}
    body |= {name: parameters[name] for name in _SAME if name in parameters}
    limit = parameters.get("max_tokens", parameters.get("max_completion_tokens"))
    if limit is not None:
        body["max_output_tokens"] = limit
    named = {"effort": "reasoning_effort", "summary": "reasoning_summary"}
    reasoning = {name: parameters[ours] for name, ours in named.items() if ours in parameters}
    if reasoning:
        body["reasoning"] = reasoning
    form = parameters.get("response_format")
    if form is not None:
        body["text"] = {"format": {"type": form["type"], **form.get("json_schema", {})}}
    return body


def read_response(body: Any, asked_model: str) -> Completion:
    """The completion of a decoded response. Raises BodyError where it is none, ErrorBody where it is an error."""
    if isinstance(body, dict) and body.get("error"):
        raise ErrorBody(body)
    if not isinstance(body, dict) or not isinstance(body.get("output"), list):
        raise BodyError("it has no list of outputs")
    outputs = [each for each in body["output"] if isinstance(each, dict)]
    said = [part for each in outputs if each.get("type") == "message" for part in each.get("content") or ()]
    refusals = [str(part["refusal"]) for part in said if isinstance(part, dict) and part.get("refusal")]
    text, _ = read_parts([part for part in said if isinstance(part, dict) and part.get("type") == "output_text"])
    _, thoughts = read_parts([_thought(each) for each in outputs if each.get("type") == "reasoning"])
    details = body.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else body.get("status")
    fault = f"the model refused: {refusals[0][:300]}" if refusals else ends_badly(reason)
    model = body["model"] if isinstance(body.get("model"), str) and body["model"] else asked_model
    tier = body.get("service_tier")
    return Completion(text, fault, model, _usage(body.get("usage")), thoughts, tier if isinstance(tier, str) else "")


@dataclass(slots=True)
class StreamedResponse:
    """State of a streamed response while it is read: its last event has the whole of it. `ended`: that event came."""

    length: int = 0
    last: Any = None
    ended: bool = False
    whole: list[str] = field(default_factory=list)

    def feed(self, line: str) -> bool:
        """Read a line; return whether the response grew or ended. Raises BodyError for an invalid event."""
        if self.whole or (not self.length and line.lstrip("\ufeff \t")[:1] in ("{", "[")):
            self.whole.append(line)  # a server that does not stream
            return False
        name, _, data = line.removeprefix("\ufeff").partition(":")
        if name != "data" or not data.strip() or data.strip() == "[DONE]":
            return False
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise BodyError("a chunk of the stream is not JSON") from None
        match event:
            case {"type": "error"}:
                raise ErrorBody(event if event.get("error") else {"error": event})
            case {"type": "response.completed" | "response.incomplete" | "response.failed", "response": response}:
                self.last, self.ended = response, True
                return True
            case {"type": str(), "delta": str(delta)} if delta:
                self.length += len(delta)
            case {"type": str()}:
                return False
            case _:
                raise BodyError("a chunk of the stream is no event")
        if self.length > 2 * LONGEST_ANSWER:
            self.last, self.ended = _RUNAWAY, True
        return True

    def body(self) -> Any:
        """The response. Raises BodyError where the stream broke off before its end, ValueError for invalid JSON."""
        if self.whole:
            return json.loads("\n".join(self.whole))
        if not self.ended:
            raise BodyError("the stream broke off before its end")
        return self.last


def _thought(output: dict[str, Any]) -> dict[str, Any]:
    """A reasoning item as a part: its text where the server shows it, else its summary."""
    return {"type": "reasoning", "text": output.get("content") or output.get("summary") or ""}


def _usage(body: Any) -> Usage:
    if not isinstance(body, dict):
        return Usage()
    taken = body.get("input_tokens_details")
    return Usage(
        input=count_of(body, "input_tokens"),
        cached=count_of(taken, "cached_tokens"),
        written=count_of(taken, "cache_write_tokens"),
        output=count_of(body, "output_tokens"),
        reasoning=count_of(body.get("output_tokens_details"), "reasoning_tokens"),
    )
