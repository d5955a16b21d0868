"""Hierarchical validation: three layers in this order, the first that fails decides. [P]

1. format: the files are as asked, and the script ended well; the first valid submission of a trace is accepted;
2. alignment: the solution answers the task as it is set; severe → rejected and the score erased;
3. analysis: clearly better or worse decides; a near-tie is the reasoner's to decide.

The noise counts: a difference within one standard error (`method.near_tie`) is a near-tie.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Literal

from gome.agents.method.momentum import signed_gain
from gome.agents.protocol.messages import Trial
from gome.agents.protocol.requests import Assessment
from gome.agents.protocol.types import Effect
from gome.scenarios.evidence import Direction, Evaluation

__all__ = ["Ruling", "compare", "format_fault", "rule", "rule_by_score"]


_NOTHING = 1e-12
"""A gain that rounding may make."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What validation decides of a trial, at which layer, and why."""

    verdict: Literal["accepted", "rejected", "failed"]
    layer: Literal["format", "alignment", "analysis"]
    reason: str
    erased: bool = False


def compare(trial: Evaluation, incumbent: Evaluation, direction: Direction, near_tie: float = 1.0) -> Effect | None:
    """A trial against its trace's best over the splits that both were run on; None where there is no score to compare.

    With g_k the gain on split k, w_k its weight and v_k the variance of g_k by a paired bootstrap over its rows (over
    groups or stretches of time, where rows hang together):

        gain = Σ w_k g_k,   SE² = Σ w_k² v_k + (n_valid / n_train) · Σ w_k v_k

    The second term is the correction of Nadeau & Bengio (2003) for training sets that overlap. The variance is that of
    rows within splits and not that between splits, which on a task by time differ for reasons that both solutions
    share. Where a split has no such variance, that of the gains over splits takes its place. |gain| < `near_tie` · SE
    is a near-tie, and so is a gain of nothing. [O]
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
    )


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
    """Of the paired differences over the same draws of rows; None where there are too few."""
    pairs = zip(ours, theirs, strict=True) if len(ours) == len(theirs) else ()
    differences = [one - other for one, other in pairs if one is not None and other is not None]
    return variance(differences) if len(differences) > 2 else None


def _verdict(gain: float, least: float) -> Literal["better", "worse", "near-tie"]:
    if abs(gain) < least or abs(gain) < _NOTHING:
        return "near-tie"
    return "better" if gain > 0 else "worse"


def format_fault(ended_well: bool, words: str, evaluation: Evaluation | None) -> Ruling | None:
    """The first layer: what keeps the trial from being judged at all, or None."""
    if not ended_well or evaluation is None:
        return Ruling("failed", "format", words)
    if evaluation.defects:
        first = evaluation.defects[0]
        more = f" (and {len(evaluation.defects) - 1} more)" if len(evaluation.defects) > 1 else ""
        return Ruling("failed", "format", f"{first.message}{more}")
    if evaluation.score is None:
        return Ruling("failed", "format", "no score could be computed from its predictions")
    return None


def rule(trial: Trial, effect: Effect | None, assessment: Assessment) -> Ruling:
    """The second and third layer, for a trial whose format is right. `effect` is None for a trace's first."""
    if assessment.alignment == "severe":
        return Ruling("rejected", "alignment", assessment.reason, erased=True)
    if effect is None:
        return Ruling("accepted", "format", "the first valid submission of this trace")
    if trial.stopped in ("worse", "futile"):
        return Ruling("rejected", "analysis", trial.words)
    if effect.verdict == "near-tie":
        verdict: Literal["accepted", "rejected"] = "accepted" if assessment.accept else "rejected"
        return Ruling(verdict, "analysis", f"a near-tie, decided by analysis: {assessment.reason}")
    if effect.verdict == "better":
        return Ruling("accepted", "analysis", f"better by {effect.gain:.5g}{_rests_on(effect)}")
    return Ruling("rejected", "analysis", f"worse by {-effect.gain:.5g}{_rests_on(effect)}")


def rule_by_score(trial: Trial, effect: Effect | None) -> Ruling:
    """What a control rules, without a reasoner's word: the better score."""
    if effect is None:
        return Ruling("accepted", "format", "the first valid submission of this trace")
    if trial.stopped in ("worse", "futile"):
        return Ruling("rejected", "analysis", trial.words)
    if effect.gain > 0:
        return Ruling("accepted", "analysis", f"the best score so far, by {effect.gain:.5g}")
    return Ruling("rejected", "analysis", f"not the best score: {-effect.gain:.5g} behind")


def _rests_on(effect: Effect) -> str:
    """What a gain is to be measured by."""
    if effect.standard_error is None:
        return ""
    splits = f"{effect.splits} splits" if effect.splits > 1 else "one split"
    return f", standard error {effect.standard_error:.2g}, over {effect.rows} rows of {splits}"
