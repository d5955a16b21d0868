"""What a user asks of a run while it goes on."""

from gome.agents.protocol.types import Record

__all__ = ["Hint"]


class Hint(Record):
    """What the user asks of the steps to come: in words, what to avoid, what to prefer."""

    words: str = ""
    avoid: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The hint in one line."""
        avoid, prefer = (", ".join(each) for each in (self.avoid, self.prefer))
        parts = (self.words.strip(), avoid and f"avoid {avoid}", prefer and f"prefer {prefer}")
        return "; ".join(part for part in parts if part)
