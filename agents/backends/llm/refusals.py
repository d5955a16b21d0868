"""What a server means by a response with an error: which part of the request it refuses, or why, in its own words.

Servers say it in many forms and without codes, so their words are read. Pure functions over received data.
"""

import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "PARAMETERS",
    "SCHEMA",
    "SYSTEM",
    "error_code",
    "error_words",
    "failed_generation",
    "is_policy",
    "is_too_long",
    "refused",
]

PARAMETERS = (
    "response_format",
    "reasoning_summary",
    "prompt_cache_key",
    "service_tier",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "reasoning_effort",
    "thinking",
    "stream_options",
    "stream",
)
"""What may be left out of a request, in the order in which it is, where the server does not say which it refuses."""
SCHEMA = "response_format.json_schema"
"""Stands for the form of `response_format` that has a schema."""
SYSTEM = "system"
"""Stands for a message of the role `system`, beside the parameters."""

_ALSO = {
    "response_format": r"output_config(?!\.effort)|output_format|text\.format",
    "reasoning_effort": r"output_config|reasoning\.effort|effort parameter|supports? effort",
    "reasoning_summary": r"reasoning\.summary|reasoning summar(y|ies)",
    "max_tokens": r"max_output_tokens",
    "max_completion_tokens": r"max_output_tokens",
}
"""Other names by which servers call a parameter."""
_SCHEMA = re.compile(
    r"json.?schema|json.?object|json.?mode|grammar|structured.?output|guided.?(json|decoding)|vocabulary|outlines|"
    r"response.?format|(schema|keyword|pattern|regex).{0,60}(not|un)\s?(supported|implemented|allowed|known)|"
    r"(not|un)\s?supported.{0,60}schema|invalid schema",
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(
    r"system\W{0,3}(role|message|prompt|instruction)s?.{0,40}not (supported|allowed|enabled)|roles must alternate|"
    r"(not support|unsupported).{0,40}['\"`]system['\"`]|only user,? and assistant roles|"
    r"(developer|system) instruction is not enabled|\binstructions\W{0,3}(are|is) not (supported|allowed)|"
    r"(unknown|unsupported|unrecognized)[\w ]{0,30}: ['\"`](instructions|system)['\"`]",
    re.IGNORECASE,
)
_NO_ENDPOINT = re.compile(r"(endpoint|provider|backend)s?.{0,60}(requested|these|all) parameters", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"request (entity )?too large|payload too large|content too large|reduce (your|the) (message|prompt|length|input)|"
    r"must be reduced|prompt is too long|input is too long|too many (input )?tokens|"
    r"context.{0,80}(exceed|maximum|too long|length|overflow)|(exceed|maximum|longer).{0,80}context",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"moderation|flagged|content.{0,20}polic|usage (polic|guideline)|violat\w+ .{0,40}(polic|guideline|terms)|"
    r"content exists risk|inspection|prohibited.content|safety (system|filter|setting|polic|reason)|"
    r"sensitive (content|word|information)|unsafe content",
    re.IGNORECASE,
)
_POLICY_CODES = {"content_filter", "content_policy_violation", "invalid_prompt", "data_inspection_failed"}
_LENGTH_CODES = {"context_length_exceeded", "exceed_context_size_error", "request_too_large", "string_above_max_length"}
_GENERATION_CODES = {"json_validate_failed", "tool_use_failed", "output_parse_failed"}


def error_words(body: Any) -> str:
    """The server's words in the body of an error, in any form that servers use; empty where there are none."""
    match body:
        case str():
            return body
        case {"error": error} if error:
            return error_words(error)
        case {"detail": list(details)} | {"errors": list(details)}:
            return "; ".join(filter(None, map(_detail, details)))
        case {"detail": said} | {"message": said} | {"msg": said} | {"error_message": said} if said:
            return error_words(said)
        case [first, *_]:
            return error_words(first)
        case _:
            return ""


def error_code(body: Any) -> str | None:
    """The code in the body of an error, where it has one in words."""
    inner = body.get("error", body) if isinstance(body, dict) else None
    code = inner.get("code") if isinstance(inner, dict) else None
    return code if isinstance(code, str) else None


def refused(status: int, parameters: Mapping[str, Any], param: str | None, words: str, *, system: bool) -> str | None:
    """The part of the request that an error objects to: a parameter that was sent, or SYSTEM; None if it names none.

    `system`: the request has a message of that role.
    """
    sent = [name for name in PARAMETERS if name in parameters]
    if status in {400, 422}:
        named = [name for name in sent if param is not None and name in re.split(r"[.\[\]]+", param)]
        named += [name for name in sent if re.search(rf"\b({name}|{_ALSO.get(name, name)})\b", words)]
        if named:
            return named[0]
    if status in {400, 404, 422, 500, 501}:
        if "response_format" in sent and _SCHEMA.search(words):
            return "response_format"
        if system and _NO_SYSTEM.search(words):
            return SYSTEM
        if sent and _NO_ENDPOINT.search(words):
            return sent[0]
    return None


def is_too_long(status: int, code: str | None, words: str) -> bool:
    """Whether a shorter prompt may be answered: it exceeds the window, or what may be sent in a minute."""
    return status == 413 or (status in {400, 422, 429} and (code in _LENGTH_CODES or bool(_TOO_LONG.search(words))))


def is_policy(status: int, code: str | None, words: str) -> bool:
    """Whether the endpoint does not answer this one prompt, by policy."""
    return status in {400, 403, 422, 451} and (code in _POLICY_CODES or bool(_POLICY.search(words)))


def failed_generation(code: str | None, body: Any) -> str | None:
    """The text that the model wrote and its server could not read as JSON; None if the error is another."""
    if code not in _GENERATION_CODES:
        return None
    inner = body.get("error", body) if isinstance(body, dict) else {}
    text = inner.get("failed_generation") if isinstance(inner, dict) else None
    return text if isinstance(text, str) else ""


def _detail(detail: Any) -> str:
    """One entry of a list of details: where, and what."""
    if not isinstance(detail, dict):
        return error_words(detail)
    place = ".".join(map(str, detail["loc"])) if isinstance(detail.get("loc"), list) else ""
    words = error_words(detail)
    return f"{place}: {words}" if place and words else place or words
