"""Routing table: subscribers indexed by trace, so that lookup time does not grow with the number of traces."""

from collections import defaultdict
from collections.abc import Hashable
from itertools import chain, count
from typing import Generic, TypeVar

from gome.bus.message import Subscription

__all__ = ["Routes"]

Subscriber = TypeVar("Subscriber", bound=Hashable)


class Routes(Generic[Subscriber]):
    """Subscribers and their subscriptions, in order of registration."""

    def __init__(self) -> None:
        self._by_trace: defaultdict[int | None, dict[Subscriber, tuple[int, Subscription]]] = defaultdict(dict)
        self._numbers = count()
        self._found: dict[tuple[str, int | None], list[Subscriber]] = {}

    def __iter__(self) -> "chain[Subscriber]":
        return chain.from_iterable(self._by_trace.values())

    def add(self, subscription: Subscription, subscriber: Subscriber) -> None:
        """Register a subscriber."""
        self._by_trace[subscription.trace][subscriber] = next(self._numbers), subscription
        self._found.clear()

    def remove(self, subscription: Subscription, subscriber: Subscriber) -> None:
        """Remove a subscriber. Raises KeyError where it is not registered."""
        del self._by_trace[subscription.trace][subscriber]
        self._found.clear()

    def listeners(self, kind: str, trace: int | None) -> list[Subscriber]:
        """Subscribers of a message, in order of registration. Cached per (kind, trace)."""
        try:
            return self._found[kind, trace]
        except KeyError:
            found = self._look_up(kind, trace)
            return self._found.setdefault((kind, trace), found)

    def _look_up(self, kind: str, trace: int | None) -> list[Subscriber]:
        buckets = self._by_trace.values() if trace is None else [self._by_trace[each] for each in (None, trace)]
        matching = [
            (number, subscriber)
            for bucket in buckets
            for subscriber, (number, subscription) in bucket.items()
            if subscription.matches(kind, trace)
        ]
        return [subscriber for _, subscriber in sorted(matching, key=lambda each: each[0])]
