"""What a run submits at its end, and so whose the score on the private test is.

The score beside a best step is that step's own, out of fold. Where the finish found the mean of several finalists
better than each, it is this mean that was submitted and graded. Every screen says which, in the words made here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gome.agents.protocol.messages import RunFinished
from gome.scenarios.evidence import Grade
from gome.viewer import text

__all__ = ["Submitted", "briefly", "submitted_by"]


@dataclass(frozen=True)
class Submitted:
    """What was submitted, with its score on the hold-out (None where it has none) and its grade on the private test.

    `steps` are those whose predictions it is the mean of, the winner first; one where it is a step's own.
    """

    steps: tuple[str, ...]
    holdout: float | None
    grade: Grade | None

    @property
    def is_blend(self) -> bool:
        """Whether it is the mean of several steps' predictions."""
        return len(self.steps) > 1

    @property
    def whose(self) -> str:
        """`step 1.1`, or `the mean of steps 1.1 and 0.1`."""
        *others, last = self.steps
        return f"the mean of steps {', '.join(others)} and {last}" if others else f"step {last}"

    @property
    def at_the_finish(self) -> str:
        """Whose it is, with its score on the hold-out, on which the finish chose."""
        return f"{self.whose}, {text.score(self.holdout)} on the hold-out"

    @property
    def on_the_test(self) -> str:
        """The score on the private test, with whose it is and its medal; unknown where there are no answers."""
        if self.grade is None:
            return text.UNKNOWN
        medal = f"; {self.grade.medal} medal" if self.grade.medal else ""
        return f"{text.score(self.grade.score)} on the private answers, of {self.whose}{medal}"


def submitted_by(finished: RunFinished | None) -> Submitted | None:
    """What a run submitted; None for one that has not finished, or had no accepted trial."""
    if finished is None or finished.winner is None:
        return None
    blend = finished.blend
    if blend is not None and blend.taken:
        return Submitted(tuple(f"{trace}.{step}" for trace, step in blend.members), blend.mean, finished.grade)
    own = next((each.mean for each in finished.ranking if each.finalist == finished.winner), None)
    return Submitted((f"{finished.winner.trace}.{finished.winner.step}",), own, finished.grade)


def briefly(steps: Sequence[str]) -> str:
    """Whose a submission is, for the narrow column of a table: `1.1`, or `mean of 2`."""
    if not steps:
        return text.UNKNOWN
    return steps[0] if len(steps) == 1 else f"mean of {len(steps)}"
