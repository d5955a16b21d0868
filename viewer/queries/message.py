"""Show one message: in full, with its conversation, or with its causes."""

import json
from pathlib import Path
from typing import Any

from gome.agents.protocol.messages import Proposal, RepairCalled
from gome.bus.events import ACTIVITIES, ActivityFinished
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.viewer import text
from gome.viewer.model.message_lines import headline
from gome.viewer.output import as_data, emit, envelope_data, hint, say, tree
from gome.viewer.queries.listing import say_messages
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["activities_of", "artefacts_of", "causes_of", "show_causes", "show_message", "show_thread"]


def show_message(folder: Path, name: str, as_json: bool) -> int:
    """Print one message in full: its fields, and the model calls and script runs that its sender used for it."""
    with open_reader(folder) as reader:
        envelope = reader.envelope(name)
        used = activities_of(reader, envelope)
        files = artefacts_of(reader, as_data(envelope.message))
        if as_json:
            emit("log-show", {"message": envelope_data(envelope), "artefacts": files, "activities": used})
            return 0
        _say_head(envelope)
        say(tree({key: value for key, value in as_data(envelope.message).items() if key != "kind"}))
        for label, content in files.items():
            say(f"\n── {label}\n{content.rstrip()}")
        for each in used:
            _say_activity(each)
    message = f"{envelope.id[:8]} --run {as_opened(folder)}"
    hint(f"gome log why {message}", f"gome log thread {message}")
    return 0


def show_thread(folder: Path, name: str, as_json: bool) -> int:
    """Print the conversation that a message belongs to."""
    with open_reader(folder) as reader:
        messages = list(reader.thread(reader.envelope(name).correlation))
    return _chain("log-thread", folder, [each for each in messages if each.kind not in ACTIVITIES], as_json)


def show_causes(folder: Path, name: str, as_json: bool) -> int:
    """Print the chain of causes of a message, the first cause first."""
    with open_reader(folder) as reader:
        chain = causes_of(reader, reader.envelope(name).id)
    return _chain("log-why", folder, chain, as_json)


def causes_of(reader: LogReader, message: str) -> list[Envelope]:
    """The chain of causes of a message in log order, with the user's hints that proposals and repairs in it name."""
    found = {each.id: each for each in reader.causes(message)}
    for each in tuple(found.values()):
        for name in each.message.hints if isinstance(each.message, Proposal | RepairCalled) else ():
            found[name] = reader.envelope(name)
    return sorted(found.values(), key=lambda each: each.seq)


def _chain(document: str, folder: Path, envelopes: list[Envelope], as_json: bool) -> int:
    if as_json:
        emit(document, [envelope_data(each) for each in envelopes])
        return 0
    say_messages(envelopes, as_json=False)
    if envelopes:
        hint(f"gome log show {envelopes[-1].id[:8]} --run {as_opened(folder)}")
    return 0


def _say_head(envelope: Envelope) -> None:
    where = f", trace {envelope.trace}" if envelope.trace is not None else ""
    where += f", step {envelope.step}" if envelope.step is not None else ""
    say(f"{envelope.kind} {envelope.id}: {headline(envelope)}")
    because = f"caused by {envelope.cause[:8]}" if envelope.cause else "the first of its conversation"
    say(f"sent by {envelope.sender}{where} at +{text.duration(envelope.time)}, {because}\n")


def artefacts_of(reader: LogReader, body: dict[str, Any]) -> dict[str, str]:
    """The texts that a message refers to by hash, by field name without `_ref`."""
    named = {key.removesuffix("_ref"): value for key, value in body.items() if key.endswith("_ref") and value}
    return {key: reader.artefacts.read_now(ref).decode("utf-8", "replace") for key, ref in named.items()}


def activities_of(reader: LogReader, envelope: Envelope) -> list[dict[str, Any]]:
    """The activities that the sender ran for this message: label, seconds, meter, recorded result."""
    if envelope.cause is None or envelope.kind in ACTIVITIES:
        return []
    return [
        {
            "id": each.id,
            "activity": each.message.activity,
            "label": each.message.label,
            "seconds": each.message.seconds,
            "meter": each.message.meter,
            "result": json.loads(reader.artefacts.read_now(each.message.result_ref)),
        }
        for each in reader.effects(envelope.cause)
        if each.sender == envelope.sender and isinstance(each.message, ActivityFinished)
    ]


def _say_activity(used: dict[str, Any]) -> None:
    """Print a model call with its prompt and raw answer, or a script run with its outcome."""
    meter = ", ".join(f"{key} {value:g}" for key, value in used["meter"].items())
    say(f"\n── {used['activity']} {used['label']}, {text.duration(used['seconds'])}" + (f" ({meter})" if meter else ""))
    result = used["result"] if isinstance(used["result"], dict) else {"result": used["result"]}
    for name in ("prompt", "raw"):
        if result.get(name):
            say(f"\n{name}:\n{result[name]}")
    say(tree({key: value for key, value in result.items() if value and key not in ("prompt", "raw", "meter")}))
