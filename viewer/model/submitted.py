"""The submission of a run: which steps it comes from, and its scores.

The score of a best step is its own out-of-fold score. Where the mean of several finalists scored better than each of
them, the finish submits that mean, and the test score is that of the mean. Screens name the steps with the texts below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gome.agents.protocol.run_messages import RunFinished
from gome.scenarios.evidence import Grade
from gome.viewer import text

__all__ = ["Submitted", "briefly", "submitted_by"]


@dataclass(frozen=True)
class Submitted:
    """A submission with its hold-out score (None: no hold-out) and its grade on the private test (None: no answers).

    `steps`: the steps whose predictions were averaged, the winner first; a single step where nothing was averaged.
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
        """The steps, with the hold-out score by which the finish selected them."""
        return f"{self.whose}, {text.score(self.holdout)} on the hold-out"

    @property
    def on_the_test(self) -> str:
        """The score on the private test, with the steps and the medal; a dash where there are no answers."""
        if self.grade is None:
            return text.UNKNOWN
        medal = f"; {self.grade.medal} medal" if self.grade.medal else ""
        return f"{text.score(self.grade.score)} on the private answers, of {self.whose}{medal}"


def submitted_by(finished: RunFinished | None) -> Submitted | None:
    """The submission of a finished run; None where it has not finished or accepted no trial."""
    if finished is None or finished.winner is None:
        return None
    blend = finished.blend
    if blend is not None and blend.taken:
        return Submitted(tuple(f"{trace}.{step}" for trace, step in blend.members), blend.mean, finished.grade)
    own = next((each.mean for each in finished.ranking if each.finalist == finished.winner), None)
    return Submitted((f"{finished.winner.trace}.{finished.winner.step}",), own, finished.grade)


def briefly(steps: Sequence[str]) -> str:
    """The steps of a submission for a narrow column: `1.1`, or `mean of 2`."""
    if not steps:
        return text.UNKNOWN
    return steps[0] if len(steps) == 1 else f"mean of {len(steps)}"
