"""Find the first message in which two runs differ.

Messages are paired by (sender, kind, trace, step, occurrence), because two runs of one scenario may order them
differently. Measured times, and texts that contain them, are ignored.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gome.agents.protocol.run_messages import RunOpened, SessionOpened
from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.viewer.model.message_lines import headline, place
from gome.viewer.output import as_data

__all__ = ["Divergence", "first_divergence"]

_MEASURED = frozenset(("seconds", "used", "output_ref", "task_path", "scenario_path", "wall", "pid"))
Key = tuple[str, str, int | None, int | None, int]


@dataclass(frozen=True)
class Divergence:
    """The first difference: the message, its differing fields, and its id and headline in each run (None: missing)."""

    sender: str
    kind: str
    place: str
    fields: tuple[str, ...]
    ids: tuple[str | None, str | None]
    headlines: tuple[str | None, str | None]


def first_divergence(one: Iterable[Envelope], other: Iterable[Envelope]) -> Divergence | None:
    """The first message, in log order of `one`, that differs or is missing in a run; None where all are equal."""
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
    """The fields in which two messages differ, ignoring ids of other messages.

    The scenario in RunOpened is ignored too: `compare` lists differing settings separately.
    """
    first, second = (_plain(each.message.model_dump(mode="json")) for each in (one, other))
    fields = {*first, *second} - ({"scenario"} if isinstance(one.message, RunOpened) else set())
    return tuple(sorted(key for key in fields if first.get(key) != second.get(key)))


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
    assert shown is not None  # noqa: S101  at least one of the two is given
    ids = tuple(each.id if each else None for each in (one, other))
    lines = tuple(headline(each) if each else None for each in (one, other))
    return Divergence(shown.sender, shown.kind, place(shown), fields, (ids[0], ids[1]), (lines[0], lines[1]))
