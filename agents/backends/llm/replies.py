"""Parse a model's answer into a typed reply, or say what is wrong with it, for the next prompt.

JSON may come bare, in a fenced block or within prose: the first complete object that is valid for the reply's type is
used. Slips that leave one meaning are taken (`loose_json.py`, `fitting.py`); nothing is repaired by guessing.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from gome.agents.backends.llm.edits import read_code
from gome.agents.backends.llm.fences import PatchError
from gome.agents.backends.llm.fitting import fitted
from gome.agents.backends.llm.loose_json import read_object
from gome.agents.backends.llm.prompting import CodeForm, request_kind
from gome.agents.backends.llm.reply_schema import constant_schema, reply_schema
from gome.agents.protocol.replies import Assessment, Script, Step
from gome.agents.protocol.requests import AssessTrial, ProposeStep, Request
from gome.agents.protocol.types import Record

__all__ = ["LONGEST_ANSWER", "MisfitError", "json_schema", "parse_reply"]

LONGEST_ANSWER = 400_000
"""Characters; a longer answer cannot be a valid reply."""

_MOST_TORN = 20
_MOST_OBJECTS = 200
"""Objects, well formed or not, that are tried as the reply; each costs a reading of what follows or a validation."""


class MisfitError(ValueError):
    """The answer is invalid; the message tells the model what is wrong with it."""


def parse_reply(request: Request[Any], text: str) -> dict[str, Any]:
    """Parse an answer without thoughts into a reply that is valid for `request.reply_type()`. Raises MisfitError."""
    if len(text) > LONGEST_ANSWER:
        raise MisfitError(f"the answer has {len(text)} characters; at most {LONGEST_ANSWER} are read: be brief")
    if not text:
        raise MisfitError("the answer is empty")
    if issubclass(request.reply_type(), Script):
        return _script(request, text)
    reply = _asked_for(request, _best_fit(request.reply_type(), text))
    _check(request, reply)
    return reply.model_dump(mode="json")


def _asked_for(request: Request[Any], reply: Record) -> Record:
    """The reply with its unrequested fields (`Request.unasked`) reset to their defaults.

    If challenges of only one source are wanted, the model is not asked for the source: it is set here.
    """
    fields = type(reply).model_fields
    changes = {name: fields[name].get_default() for name in request.unasked}
    if isinstance(request, AssessTrial) and isinstance(reply, Assessment) and len(request.wanted) == 1:
        (source,) = request.wanted
        changes["challenges"] = tuple(
            each if "source" in each.model_fields_set else each.model_copy(update={"source": source})
            for each in reply.challenges
        )
    return reply.model_copy(update=changes)


def json_schema(request: Request[Any], code: CodeForm, *, constant: bool = False) -> dict[str, Any] | None:
    """The reply's schema in the form of `response_format`; None if code is requested in a fenced block.

    `constant`: the same for all requests of a role, so that a server that puts it before the prompt caches both.
    """
    if issubclass(request.reply_type(), Script) and code == "fenced":
        return None
    schema = constant_schema(request.reply_type()) if constant else reply_schema(request)
    name = f"{request.role}_reply" if constant else request_kind(request)
    return {"name": name, "strict": True, "schema": schema}


def _script(request: Request[Any], text: str) -> dict[str, Any]:
    """Code in any accepted form: a valid JSON object, else a fenced file or edits."""
    if text.startswith("{"):
        return _best_fit(request.reply_type(), text).model_dump(mode="json")
    try:
        code, notes = read_code(text, request.edited)
    except PatchError as error:
        raise MisfitError(str(error)) from error
    return _validated(request.reply_type(), {"script": code, "notes": notes}).model_dump(mode="json")


def _best_fit(reply_type: type[Record], text: str) -> Record:
    """The first valid JSON object of the text; if none is valid, raises what is wrong with the largest."""
    misfit = MisfitError("no JSON object was found in the answer: send one, and nothing else")
    longest = -1
    for length, value in _objects(text):
        if isinstance(value, MisfitError):
            if longest < 0:
                misfit, longest = value, len(text)  # the outermost object is malformed: ignore objects within it
            continue
        try:
            return _validated(reply_type, value)
        except MisfitError as error:
            if length > longest:
                misfit, longest = error, length
    raise misfit


def _validated(reply_type: type[Record], value: Any) -> Record:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        return fitted(reply_type, value)
    except ValidationError as error:
        raise MisfitError(_wording(error)) from error
    except UnicodeEncodeError as error:
        raise MisfitError("a text in the JSON has half a character (a lone surrogate): write plain UTF-8") from error
    except ValueError as error:
        raise MisfitError("a number in the JSON is not finite: give figures, or leave them at 0") from error


def _objects(text: str) -> Iterator[tuple[int, Any]]:
    """Each outermost JSON object of the text with its length; a MisfitError in place of a malformed object."""
    torn = tried = 0
    at = text.find("{")
    while at >= 0 and torn < _MOST_TORN and tried < _MOST_OBJECTS:
        tried += 1
        try:
            value, end = read_object(text, at)
        except (ValueError, RecursionError) as error:
            torn += 1
            if text[at + 1 :].lstrip()[:1] in ('"', "'"):
                yield (
                    0,
                    MisfitError(f"the JSON is not well formed ({error}): send one complete object, and nothing else"),
                )
            end = at + 1
        else:
            yield end - at, value
        at = text.find("{", end)


def _wording(error: ValidationError) -> str:
    """At most ten problems, each with its field; values are shortened."""
    lines = []
    for problem in error.errors(include_url=False, include_context=False)[:10]:
        place = ".".join(str(part) for part in problem["loc"]) or "the reply"
        given = "" if problem["type"] in {"missing", "extra_forbidden"} else f" (given: {str(problem['input'])[:80]!r})"
        lines.append(f"- {place}: {problem['msg']}{given}")
    more = error.error_count() - len(lines)
    return "the JSON does not fit its schema:\n" + "\n".join(lines) + (f"\n- and {more} more" if more > 0 else "")


def _check(request: Request[Any], reply: Record) -> None:
    """Check what a schema cannot express: that the reply agrees with its request."""
    problems: list[str] = []
    match request, reply:
        case AssessTrial(), Assessment():
            problems += _check_assessment(request, reply)
        case ProposeStep(), Step():
            problems += _check_step(request, reply)
        case _:
            pass
    if problems:
        raise MisfitError("the reply does not agree with the request:\n" + "\n".join(f"- {each}" for each in problems))


def _check_assessment(request: AssessTrial, reply: Assessment) -> list[str]:
    sources = [each.source for each in reply.challenges]
    unasked = sorted(set(sources) - set(request.wanted))
    problems = [f"challenges of source {', '.join(unasked)} were not asked for"] if unasked else []
    problems += [f"more than five challenges of source {each}" for each in request.wanted if sources.count(each) > 5]
    known = len(request.findings)
    problems += [
        f"contradicts {each}, and there are {known} findings" for each in reply.contradicts if not 0 < each <= known
    ]
    return problems


def _check_step(request: ProposeStep, reply: Step) -> list[str]:
    """Check that the numbers a step refers to exist, and that it makes at most as many changes as its kind allows."""
    ideas, problems = len(reply.candidates), []
    if ideas > request.wanted:
        problems.append(f"{ideas} candidates were given, and at most {request.wanted} are asked for")
    problems += [
        f"challenge {each.challenge} is none of the {len(request.challenges)} challenges"
        for each in reply.candidates
        if each.challenge > len(request.challenges) > 0
    ]
    if request.ranked:
        problems += [] if ideas else ["there is no candidate"]
        return problems + (["every candidate needs its scores"] if any(not e.scores for e in reply.candidates) else [])
    problems += [f"choice {each} is none of the {ideas} candidates" for each in reply.choice if not 0 < each <= ideas]
    if reply.recalled is not None and not 0 < reply.recalled <= len(request.recalled):
        problems.append(
            f"recalled {reply.recalled} is none of the {len(request.recalled)} recalled changes; null for none"
        )
    if not reply.choice and reply.recalled is None and reply.kind != "tune":
        problems.append("nothing was chosen: name the number of a candidate in `choice`, or of a recalled change")
    return problems + _check_kind(request, reply)


def _check_kind(request: ProposeStep, reply: Step) -> list[str]:
    if reply.kind not in request.kinds:
        return [f"a step of kind {reply.kind} cannot be chosen here, only {', '.join(request.kinds)}"]
    if reply.kind in ("merge", "return"):
        others = [each.trace for each in request.standings if each.trace != request.trace]
        if reply.source not in others:
            return [f"a {reply.kind} needs `source`, the number of another trace that has a solution: one of {others}"]
        return []
    most = {"edit": 1, "bundle": 3}.get(reply.kind, request.wanted)
    if request.action == "improve" and len(reply.choice) > most:
        return [f"{'one change is' if most == 1 else 'at most three changes are'} made in a step of kind {reply.kind}"]
    return []
