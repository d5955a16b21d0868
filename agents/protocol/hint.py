"""What a user asks of a run while it goes on."""

from collections.abc import Iterable

from gome.agents.protocol.types import Record

__all__ = ["Hint", "avoided"]


class Hint(Record):
    """What the user asks of the steps to come: in words, what to avoid, what to prefer.

    `withdraw` are the ids of the messages of earlier hints that no longer hold.
    """

    words: str = ""
    avoid: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    withdraw: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The hint in one line."""
        lists = {"avoid": self.avoid, "prefer": self.prefer, "withdraw": self.withdraw}
        parts = (self.words.strip(), *(f"{name} {', '.join(each)}" for name, each in lists.items() if each))
        return "; ".join(part for part in parts if part)


def avoided(hints: Iterable[Hint]) -> tuple[str, ...]:
    """What the user asks to avoid and has not preferred since; the hints in log order."""
    words: dict[str, None] = {}
    for hint in hints:
        words |= dict.fromkeys(hint.avoid)
        words = {word: None for word in words if word not in hint.prefer}
    return tuple(words)
