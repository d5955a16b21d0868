"""What a search of a script's constants has tried."""

from gome.agents.protocol.types import Record

__all__ = ["Searched"]


class Searched(Record):
    """How many settings of the constants a search has tried, and what its best one changes: `rate 0.1 → 0.05`.

    `raced` has the number of runs on a split that decided, for each setting, `seconds` is the time of all of them.
    """

    points: int
    changes: tuple[str, ...] = ()
    raced: tuple[int, ...] = ()
    seconds: float = 0.0

    @property
    def runs(self) -> int:
        """The number of runs that decided."""
        return sum(self.raced)

    @property
    def words(self) -> str:
        """As a sentence."""
        several = f"{self.points} setting{'s' if self.points != 1 else ''}"
        found = f"the best has {', '.join(self.changes)}" if self.changes else "none worked"
        return f"{several} tried; {found}." if self.points else "Nothing was tried."
