"""Hierarchical validation: three layers in this order, the first that fails decides. [P]

1. format: the script ended well and its files are valid; the first valid submission of a trace is accepted;
2. alignment: the solution solves the task as posed; severe misalignment → rejected and the score erased;
3. analysis: clearly better or clearly worse decides; a near-tie is decided as `method.near_ties` says. [P: the model]

A near-tie is a difference of less than one standard error (`method.near_tie`), or of more, the more comparisons a
trace has made (`method.near_tie_growth`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, variance
from typing import Any, Literal

from gome.agents.method.momentum import signed_gain
from gome.agents.protocol.messages import Diagnosis, Proposal, Trial
from gome.agents.protocol.replies import Assessment
from gome.agents.protocol.types import Effect
from gome.scenarios.config.method import NearTies
from gome.scenarios.evidence import Direction, Evaluation
from gome.scenarios.figures import plain

__all__ = [
    "Ruling",
    "cheaper",
    "compare",
    "decides_near_ties",
    "format_fault",
    "keeps_near_tie",
    "lost",
    "near_miss",
    "rule",
    "rule_by_score",
    "threshold",
]


_FASTER, _SHORTER = 2 / 3, 0.9
"""Shares of the incumbent's seconds and lines below which a trial is clearly cheaper."""
_AS_GOOD = 0.25
"""A cheaper trial that is behind by less than this many standard errors is as good."""
_SAID = {"observations", "finding", "hypothesis_verdict", "challenges"}
"""What a diagnosis takes over from the words of a model."""
_MEASURED = Trial.model_fields.keys() & Diagnosis.model_fields.keys() - {"kind"}
"""What a diagnosis takes over from its trial."""
_NOTHING = 1e-12
"""A gain below this may be a rounding error."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Decision about a trial, the layer that made it, and the reason. `erased`: the score is discarded."""

    verdict: Literal["accepted", "rejected", "failed"]
    layer: Literal["format", "alignment", "analysis"]
    reason: str
    erased: bool = False

    def but(self, why: str) -> "Ruling":
        """This ruling; of an acceptance the reason is `why` it had no rival, if that is given."""
        return replace(self, reason=why) if why and self.verdict == "accepted" else self

    def diagnosis(self, trial: Trial, proposal: Proposal, assessment: Assessment | None, **found: Any) -> Diagnosis:
        """The diagnosis of the trial that this is about, with the words of a model, if any; `found` are more fields."""
        scored = trial.evaluation is not None and self.verdict != "failed" and not self.erased
        said = {name: getattr(assessment, name) for name in _SAID} if assessment else {}
        measured = {name: getattr(trial, name) for name in _MEASURED}
        return Diagnosis(
            verdict=self.verdict,
            layer=self.layer,
            reason=self.reason,
            hypotheses=proposal.hypotheses,
            score=trial.evaluation.score if scored and trial.evaluation else None,
            erased=self.erased,
            **said | measured | found,
        )


def compare(trial: Evaluation, incumbent: Evaluation, direction: Direction, near_tie: float = 1.0) -> Effect | None:
    """Compare a trial with its trace's best over the splits that both ran on; None where one of them has no score.

    With g_k the gain on split k, w_k its weight and v_k the variance of g_k by a paired bootstrap over its rows (over
    groups or stretches of time, where rows are dependent):

        gain = Σ w_k g_k,   SE² = Σ w_k² v_k + (n_valid / n_train) · Σ w_k v_k

    The second term is the correction of Nadeau & Bengio (2003) for overlapping training sets. The variance is that of
    rows within splits, not that between splits: on a task split by time, splits differ for reasons that both solutions
    share. Where a split has no such variance, the variance of the gains over splits replaces it. |gain| < `near_tie` ·
    SE is a near-tie, and so is a gain of 0. [O]

    Without a common split, the standard error is None and any difference counts.
    """
    if trial.score is None or incumbent.score is None:
        return None
    common = [split for split in trial.splits if split in incumbent.splits]
    if not common:
        gain = signed_gain(trial.score, incumbent.score, direction)
        return Effect(gain=gain, standard_error=None, verdict=_verdict(gain, 0.0))
    ours, theirs = ([each.splits.index(split) for split in common] for each in (trial, incumbent))
    total = sum(trial.weights[one] for one in ours)
    weights = [trial.weights[one] / total for one in ours]
    gains = [
        signed_gain(trial.folds[one], incumbent.folds[other], direction)
        for one, other in zip(ours, theirs, strict=True)
    ]
    variances = [
        _variance(trial.replicates[one], incumbent.replicates[other]) for one, other in zip(ours, theirs, strict=True)
    ]
    gain = math.fsum(weight * each for weight, each in zip(weights, gains, strict=True))
    rows = [trial.fold_rows[one] for one in ours]
    error = _standard_error(gains, variances, weights, fmean(valid / train for valid, train in rows if train))
    return Effect(
        gain=gain,
        standard_error=error,
        verdict=_verdict(gain, near_tie * (error or 0.0)),
        splits=len(common),
        rows=sum(valid for valid, _ in rows),
        planned=trial.planned,
    )


def threshold(near_tie: float, growth: float, comparisons: int) -> float:
    """Standard errors below which the latest of so many comparisons is a near-tie: near_tie + growth · √(2 ln n). [O]

    √(2 ln n) is about what the largest of n standard normal draws is: the more is compared, the larger a gain that
    comes by chance.
    """
    return near_tie + growth * math.sqrt(2 * math.log(max(1, comparisons)))


def _standard_error(
    gains: Sequence[float], variances: Sequence[float | None], weights: Sequence[float], overlap: float
) -> float | None:
    between = variance(gains) if len(gains) > 1 else None
    known = [between if each is None else each for each in variances]
    if any(each is None for each in known):
        return None
    pairs = [(weight, each) for weight, each in zip(weights, known, strict=True) if each is not None]
    independent = math.fsum(weight * weight * each for weight, each in pairs)
    return math.sqrt(independent + overlap * math.fsum(weight * each for weight, each in pairs))


def _variance(ours: Sequence[float | None], theirs: Sequence[float | None]) -> float | None:
    """Variance of the paired differences over bootstrap replicates; None where there are fewer than three."""
    pairs = zip(ours, theirs, strict=True) if len(ours) == len(theirs) else ()
    differences = [one - other for one, other in pairs if one is not None and other is not None]
    return variance(differences) if len(differences) > 2 else None


def _verdict(gain: float, least: float) -> Literal["better", "worse", "near-tie"]:
    if abs(gain) < least or abs(gain) < _NOTHING:
        return "near-tie"
    return "better" if gain > 0 else "worse"


def format_fault(ended_well: bool, words: str, evaluation: Evaluation | None) -> Ruling | None:
    """First layer: why the trial cannot be judged at all; None if it can. `words` describes how the script ended."""
    if not ended_well or evaluation is None:
        return Ruling("failed", "format", words)
    if evaluation.defects:
        first = evaluation.defects[0]
        more = f" (and {len(evaluation.defects) - 1} more)" if len(evaluation.defects) > 1 else ""
        return Ruling("failed", "format", f"{first.message}{more}")
    if evaluation.score is None:
        return Ruling("failed", "format", "no score could be computed from its predictions")
    return None


def cheaper(seconds: tuple[float, float], lines: tuple[int, int]) -> str:
    """In what a trial is clearly cheaper than the incumbent; empty if in nothing. Both figures are (trial, incumbent).

    Cheaper is less than two thirds of the processor time of a run (0: not measured), which other scripts on the machine
    hardly change, or less than nine tenths of the lines.
    """
    if 0 < seconds[0] < _FASTER * seconds[1]:
        return f"faster ({plain(seconds[0], 2)} s of processor time instead of {plain(seconds[1], 2)} s)"
    return f"shorter ({lines[0]} lines instead of {lines[1]})" if lines[0] < _SHORTER * lines[1] else ""


def rule(
    trial: Trial, effect: Effect | None, assessment: Assessment, near_ties: NearTies = "analysis", cheap: str = ""
) -> Ruling:
    """Second and third layer, for a trial with a valid format. `effect` is None for the first of a trace.

    `cheap` says in what the trial is cheaper than the incumbent (`cheaper`).
    """
    if assessment.alignment == "severe":
        return Ruling("rejected", "alignment", assessment.reason, erased=True)
    if effect is None:
        return Ruling("accepted", "format", "the first valid submission of this trace")
    if trial.stopped in ("worse", "futile"):
        return Ruling("rejected", "analysis", trial.words)
    if effect.verdict == "near-tie":
        accept = keeps_near_tie(effect, assessment.accept, near_ties, cheap)
        why = _why_near_tie(effect, assessment.reason, near_ties, cheap if accept else "")
        if effect.gain == 0 and effect.standard_error == 0 and not accept:
            why = f"as the loss of each of the {effect.rows} rows is that of the trace's best"
        return Ruling("accepted" if accept else "rejected", "analysis", f"a near-tie, {why}")
    if effect.verdict == "better":
        return Ruling("accepted", "analysis", f"better by {plain(effect.gain, 5)}{_rests_on(effect)}")
    return Ruling("rejected", "analysis", f"worse by {plain(-effect.gain, 5)}{_rests_on(effect)}")


def decides_near_ties(setting: NearTies, *, searched: bool) -> NearTies:
    """Who decides the near-tie of a trial: for a search of constants the incumbent stays, where else the sign decides.

    A search ends with the best of many settings, and the best of many that are all alike has a gain too. [O]
    """
    return "incumbent" if searched and setting == "gain" else setting


def keeps_near_tie(effect: Effect, accept: bool, near_ties: NearTies, cheap: str) -> bool:
    """Whether a near-tie is accepted; `accept` is the model's judgement, which only `analysis` asks for."""
    if near_ties == "analysis":
        return accept
    if near_ties == "gain":
        return effect.gain > 0
    return bool(cheap) and effect.gain > -_AS_GOOD * (effect.standard_error or 0.0)


def _why_near_tie(effect: Effect, reason: str, near_ties: NearTies, cheap: str) -> str:
    """By what a near-tie was decided; `cheap` is empty unless that decided."""
    if near_ties == "analysis":
        return f"decided by analysis: {reason}"
    by = {
        "gain": "decided by its sign:",
        "incumbent": f"but {cheap}: gain" if cheap else "so the incumbent stays: gain",
    }
    return f"{by[near_ties]} {plain(effect.gain, 5, signed=True)}{_rests_on(effect)}"


def near_miss(effect: Effect | None, behind: float) -> bool:
    """Whether a refused trial is less than so many standard errors behind its trace's best."""
    return effect is not None and effect.gain > -behind * (effect.standard_error or 0.0)


def lost(trial: Trial, effect: Effect | None, near_misses: float, ensemble: bool) -> Ruling | None:
    """The ruling of a trial that a model's answer can neither save nor take out of an ensemble; else None."""
    if effect is None or not (trial.stopped in ("worse", "futile") or effect.verdict == "worse"):
        return None
    whole = trial.evaluation is not None and not trial.evaluation.partial
    return None if ensemble and (whole or near_miss(effect, near_misses)) else rule_by_score(trial, effect)


def rule_by_score(trial: Trial, effect: Effect | None) -> Ruling:
    """Rule of the control methods, without a model's judgement: the better score wins."""
    if effect is None:
        return Ruling("accepted", "format", "the first valid submission of this trace")
    if trial.stopped in ("worse", "futile"):
        return Ruling("rejected", "analysis", trial.words)
    if effect.gain > 0:
        return Ruling("accepted", "analysis", f"the best score so far, by {plain(effect.gain, 5)}")
    return Ruling("rejected", "analysis", f"not the best score: {plain(-effect.gain, 5)} behind")


def _rests_on(effect: Effect) -> str:
    """The standard error of an effect, with the rows and splits it rests on; empty if unknown."""
    if effect.standard_error is None:
        return ""
    splits = f"{effect.splits} splits" if effect.splits > 1 else "one split"
    return f", standard error {plain(effect.standard_error, 2)}, over {effect.rows} rows of {splits}"
