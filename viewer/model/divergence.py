"""Where two runs part: the first message of one that the other has not said, or has said otherwise.

Messages are paired by what they are (sender, kind, trace, step, and the how-manieth of these), since two runs of one
scenario may be in different order. What is measured by a clock, and the texts that carry such figures, is left out.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gome.agents.protocol.messages import RunOpened, SessionOpened
from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.viewer.model.headline import headline, place
from gome.viewer.output import as_data

__all__ = ["Divergence", "first_divergence"]

_MEASURED = frozenset(("seconds", "used", "output_ref", "task_path", "scenario_path", "wall", "pid"))
Key = tuple[str, str, int | None, int | None, int]


@dataclass(frozen=True)
class Divergence:
    """The first difference: which message, what differs in it, and how each run has it (None: not at all)."""

    sender: str
    kind: str
    place: str
    fields: tuple[str, ...]
    ids: tuple[str | None, str | None]
    headlines: tuple[str | None, str | None]


def first_divergence(one: Iterable[Envelope], other: Iterable[Envelope]) -> Divergence | None:
    """The first message, in the order of the first run, that the second does not have so; None where all are alike."""
    first, second = _keyed(one), _keyed(other)
    for key, envelope in first.items():
        twin = second.get(key)
        if twin is None:
            return _found(envelope, None, ())
        fields = _differing(envelope, twin)
        if fields:
            return _found(envelope, twin, fields)
    more = next((envelope for key, envelope in second.items() if key not in first), None)
    return _found(None, more, ()) if more is not None else None


def _keyed(envelopes: Iterable[Envelope]) -> dict[Key, Envelope]:
    counts: Counter[tuple[str, str, int | None, int | None]] = Counter()
    keyed: dict[Key, Envelope] = {}
    for each in envelopes:
        if each.kind in ACTIVITIES or isinstance(each.message, SessionOpened):
            continue
        stem = (each.sender, each.kind, each.trace, each.step)
        keyed[(*stem, counts[stem])] = each
        counts[stem] += 1
    return keyed


def _differing(one: Envelope, other: Envelope) -> tuple[str, ...]:
    """The fields in which two messages differ; ids of other messages are names, and say nothing.

    A scenario's settings are compared one by one elsewhere, so that what is found here is what came of them.
    """
    first, second = (_plain(each.message.model_dump(mode="json")) for each in (one, other))
    told = {*first, *second} - ({"scenario"} if isinstance(one.message, RunOpened) else set())
    return tuple(sorted(key for key in told if first.get(key) != second.get(key)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _plain(each) for key, each in value.items() if key not in _MEASURED and key not in ("id", "origin")
        }
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return as_data(value)


def _found(one: Envelope | None, other: Envelope | None, fields: tuple[str, ...]) -> Divergence:
    shown = one or other
    assert shown is not None  # noqa: S101  a divergence is found in a message of one of them
    ids = tuple(each.id if each else None for each in (one, other))
    lines = tuple(headline(each) if each else None for each in (one, other))
    return Divergence(shown.sender, shown.kind, place(shown), fields, (ids[0], ids[1]), (lines[0], lines[1]))
