"""Hierarchical validation: three layers in this order, the first that fails decides. [P]

1. format: the files are as asked, and the script ended well; the first valid submission of a trace is accepted;
2. alignment: validation is built as the test is, nothing leaks; severe → rejected and the score erased;
3. analysis: clearly better or worse decides; a near-tie is the reasoner's to decide.

The noise of the folds counts: a difference within one standard error (`method.near_tie`) is a near-tie.
"""

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from agents.ideas import Effect
from agents.momentum import signed_gain
from agents.requests import Assessment
from scenarios.evidence import Direction, Evaluation

__all__ = ["Ruling", "compare", "format_fault", "rule", "rule_by_score"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What validation decides of a trial, at which layer, and why."""

    verdict: Literal["accepted", "rejected", "failed"]
    layer: Literal["format", "alignment", "analysis"]
    reason: str
    erased: bool = False


def compare(trial: Evaluation, incumbent: Evaluation, direction: Direction, near_tie: float = 1.0) -> Effect | None:
    """A trial against its trace's best over the same folds; None where either has no score.

    With d the fold-wise gains over K splits: SE = sd(d) · √(1/K + n_valid/n_train), the correction of Nadeau & Bengio
    (2003) for overlapping training sets. With one split the standard error is by paired bootstrap over its rows. Where
    nothing can be paired the difference of the scores stands without an error. |mean d| < `near_tie` · SE is a
    near-tie, and so is a gain of nothing. [O]
    """
    if trial.score is None or incumbent.score is None:
        return None
    gains = [signed_gain(ours, theirs, direction) for ours, theirs in zip(trial.folds, incumbent.folds, strict=False)]
    splits = len(gains)
    if splits < 2 or len(trial.folds) != len(incumbent.folds):
        gain, error = signed_gain(trial.score, incumbent.score, direction), _bootstrap_error(trial, incumbent)
    else:
        gain, error = fmean(gains), stdev(gains) * math.sqrt(1 / splits + _overlap(trial))
    return Effect(gain=gain, standard_error=error, verdict=_verdict(gain, near_tie * (error or 0.0)))


def _overlap(trial: Evaluation) -> float:
    """n_valid / n_train, the mean over folds; 1/(K − 1), as in cross-validation, where the rows were not counted."""
    shares = [valid / train for valid, train in trial.fold_rows if train]
    return fmean(shares) if shares else 1 / (len(trial.folds) - 1)


def _bootstrap_error(trial: Evaluation, incumbent: Evaluation) -> float | None:
    """The standard deviation of the paired differences over the same draws of rows; None where there are none."""
    ours, theirs = trial.replicates, incumbent.replicates
    if len(ours) < 2 or len(ours) != len(theirs):
        return None
    return stdev(one - other for one, other in zip(ours, theirs, strict=True))


def _verdict(gain: float, least: float) -> Literal["better", "worse", "near-tie"]:
    if abs(gain) < least or gain == 0.0:
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


def rule(evaluation: Evaluation, effect: Effect | None, assessment: Assessment) -> Ruling:
    """The second and third layer, for a trial whose format is right. `effect` is None for a trace's first."""
    leak = _severe_leak(evaluation)
    if leak is not None:
        return leak
    if assessment.alignment == "severe":
        return Ruling("rejected", "alignment", assessment.alignment_reason, erased=True)
    if effect is None:
        return Ruling("accepted", "format", "the first valid submission of this trace")
    if effect.verdict == "near-tie":
        verdict: Literal["accepted", "rejected"] = "accepted" if assessment.accept else "rejected"
        return Ruling(verdict, "analysis", f"a near-tie, decided by analysis: {assessment.reason}")
    if effect.verdict == "better":
        return Ruling("accepted", "analysis", f"better by {effect.gain:.5g}{_within(effect)}")
    return Ruling("rejected", "analysis", f"worse by {-effect.gain:.5g}{_within(effect)}")


def rule_by_score(evaluation: Evaluation, effect: Effect | None) -> Ruling:
    """What a control rules, without a reasoner's word: the harness's own signs of leakage, then the better score."""
    leak = _severe_leak(evaluation)
    if leak is not None:
        return leak
    if effect is None:
        return Ruling("accepted", "format", "the first valid submission of this trace")
    if effect.gain > 0:
        return Ruling("accepted", "analysis", f"the best score so far, by {effect.gain:.5g}")
    return Ruling("rejected", "analysis", f"not the best score: {-effect.gain:.5g} behind")


def _severe_leak(evaluation: Evaluation) -> Ruling | None:
    severe = next((leak for leak in evaluation.leaks if leak.severity == "severe"), None)
    return Ruling("rejected", "alignment", severe.message, erased=True) if severe else None


def _within(effect: Effect) -> str:
    return "" if effect.standard_error is None else f", standard error {effect.standard_error:.2g}"
