"""The best solution of a run and its submission: which steps it comes from, and its scores.

The score of a best step is its own out-of-fold score. Where an ensemble of several steps scored better than the winner,
the finish submits that ensemble, and the test score is its own. Screens name the steps with the texts below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gome.agents.protocol.run_messages import RunFinished
from gome.scenarios.evidence import Grade
from gome.viewer import text

__all__ = ["Best", "Submitted", "briefly", "submitted_by"]


@dataclass(frozen=True)
class Best:
    """The best solution of a run; `final`: selected at the finish. `standard_error` is that of `score` over splits.

    `judged` says on how many splits of how many the score was measured; empty for all.
    """

    step: str
    score: float
    standard_error: float | None
    script_ref: str
    submission_ref: str
    oof_ref: str | None
    final: bool
    judged: str = ""

    @property
    def score_words(self) -> str:
        """The score as shown on screens, with the number of splits where not all were run."""
        return text.on_splits(self.score, self.judged)


@dataclass(frozen=True)
class Submitted:
    """A submission with the winner's hold-out score (None: no hold-out) and its own grade (None: no private answers).

    `steps`: the steps whose predictions were averaged, that with the largest weight first; a single step where nothing
    was averaged. `winner` is the finalist with the best hold-out score. `gain` is by how much an ensemble is better out
    of fold than the winner alone, with its standard `error`. `why` is why the run ended, and by what it was decided.
    """

    steps: tuple[str, ...]
    winner: str
    holdout: float | None
    grade: Grade | None
    gain: float | None = None
    error: float | None = None
    why: str = ""

    @property
    def is_ensemble(self) -> bool:
        """Whether it is a weighted mean of several steps' predictions."""
        return len(self.steps) > 1

    @property
    def whose(self) -> str:
        """`step 1.1`, or `the ensemble of steps 1.1 and 0.1`."""
        *others, last = self.steps
        return f"the ensemble of steps {', '.join(others)} and {last}" if others else f"step {last}"

    @property
    def at_the_finish(self) -> str:
        """The steps, with the hold-out score by which the finish selected them."""
        if self.holdout is None:
            return f"{self.whose}, without a score on the hold-out: {self.why or 'none was run'}"
        score = f"{text.score(self.holdout)} on the hold-out"
        return f"{self.whose}; step {self.winner} alone {score}" if self.is_ensemble else f"{self.whose}, {score}"

    @property
    def because(self) -> str:
        """Why several steps are submitted, and where the winner alone is; empty for a single step."""
        if not self.is_ensemble or self.gain is None:
            return ""
        error = f" ± {text.spread(self.error)}" if self.error is not None else ""
        return (
            f"out of fold it is better than step {self.winner} alone by {text.score(self.gain)}{error}, and any gain "
            f"counts (docs/method.md); step {self.winner} alone is solution.py; method.finish.ensemble: 1 submits it"
        )

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
    own = next((each.mean for each in finished.ranking if each.finalist == finished.winner), None)
    steps = tuple(f"{each.trace}.{each.step}" for each in finished.members)
    ensemble, winner = finished.ensemble, f"{finished.winner.trace}.{finished.winner.step}"
    gain, error = (ensemble.gain, ensemble.standard_error) if ensemble is not None and ensemble.taken else (None, None)
    return Submitted(steps, winner, own, finished.grade, gain, error, finished.why)


def briefly(steps: Sequence[str]) -> str:
    """The steps of a submission for a narrow column: `1.1`, or `ensemble of 2`."""
    if not steps:
        return text.UNKNOWN
    return steps[0] if len(steps) == 1 else f"ensemble of {len(steps)}"
