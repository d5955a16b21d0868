"""The finish: rank finalists by mean hold-out score, decide whether an ensemble is better than the best, and whether
the mean of the splits' models or a refit is submitted.
"""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from gome.agents.method.momentum import signed_gain
from gome.agents.method.validation import compare
from gome.agents.protocol.final_selection import Ensemble, Finalist, FinalRanking, Shipped
from gome.scenarios.evidence import Direction, Evaluation, SplitRule
from gome.scenarios.figures import plain

__all__ = ["candidates_of", "choose_shipping", "default_shipping", "rank", "rank_ensemble", "why"]


def rank(
    finalists: Sequence[Finalist],
    reruns: Sequence[Sequence[Evaluation | None]],
    direction: Direction,
    misaligned: float = 3.0,
) -> tuple[FinalRanking, ...]:
    """Finalists by their mean hold-out score [P], best first; those that are misaligned or failed come last.

    `reruns` has one row per finalist, with the hold-out evaluation for each seed (None: failed). A finalist is
    misaligned where its out-of-fold score is better than its hold-out score by more than `misaligned` standard errors
    of that difference, those of the folds' mean and of the hold-out added in quadrature. [O]
    """
    rankings = [_ranking(finalist, row, direction, misaligned) for finalist, row in zip(finalists, reruns, strict=True)]

    def order(ranking: FinalRanking) -> tuple[bool, bool, float, float]:
        mean = -signed_gain(ranking.mean, 0.0, direction) if ranking.mean is not None else math.inf
        return ranking.mean is None, ranking.misaligned, mean, -signed_gain(ranking.finalist.score, 0.0, direction)

    return tuple(sorted(rankings, key=order))


def _ranking(
    finalist: Finalist, reruns: Sequence[Evaluation | None], direction: Direction, misaligned: float
) -> FinalRanking:
    scores = tuple(rerun.score if rerun else None for rerun in reruns)
    mean, spread = _mean(scores)
    if mean is None:
        return FinalRanking(finalist=finalist, scores=scores, mean=None, spread=None, gap=None, misaligned=False)
    holdout_errors = [rerun.standard_error or 0.0 for rerun in reruns if rerun]
    error = math.hypot(finalist.standard_error or 0.0, fmean(holdout_errors))
    overstated = signed_gain(finalist.score, mean, direction)
    return FinalRanking(
        finalist=finalist,
        scores=scores,
        mean=mean,
        spread=spread,
        gap=mean - finalist.score,
        misaligned=error > 0 and overstated > misaligned * error,
    )


def _mean(scores: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and standard deviation over seeds; (None, None) where a seed failed. One seed has no deviation."""
    good = [score for score in scores if score is not None]
    if not good or len(good) < len(scores):
        return None, None
    return fmean(good), stdev(good) if len(good) > 1 else None


def candidates_of(ranking: Sequence[FinalRanking], pool: Sequence[Finalist]) -> tuple[Finalist, ...]:
    """Candidates of the ensemble: the winner first, then all of `pool` but finalists that failed or are misaligned.

    Empty if the winner is not in the pool, or is misaligned itself.
    """
    bad = {each.finalist.script_ref for each in ranking if each.mean is None or each.misaligned}
    good = [each for each in pool if each.script_ref not in bad]
    first = [each for each in good if ranking and each.script_ref == ranking[0].finalist.script_ref]
    return (first[0], *(each for each in good if each is not first[0])) if first else ()


def rank_ensemble(
    candidates: Sequence[Finalist],
    weights: Sequence[float],
    evaluation: Evaluation,
    single: Evaluation,
    direction: Direction,
) -> Ensemble | None:
    """The ensemble, taken if its out-of-fold score is better than the winner's; None if it has a single member. [L]

    Its weights have not seen the rows that score it, whereas the winner was chosen by its score: so any gain counts.
    """
    effect = compare(evaluation, single, direction)
    members = [(each, weight) for each, weight in zip(candidates, weights, strict=True) if weight > 0]
    if effect is None or len(members) < 2:
        return None
    members.sort(key=lambda each: -each[1])
    return Ensemble(
        members=tuple(each for each, _ in members),
        weights=tuple(weight for _, weight in members),
        score=evaluation.score,
        single=single.score,
        gain=effect.gain,
        standard_error=effect.standard_error,
        taken=effect.gain > 0,
    )


def default_shipping(rule: SplitRule) -> Shipped:
    """Default: the mean of the splits' models, or a refit where these see too few rows (time, holdout, own splits)."""
    if rule.kind in ("time", "holdout", "own"):
        return Shipped(mode="refit", reason=f"the default for a split of kind {rule.kind}")
    return Shipped(mode="mean", reason=f"the default for a split of kind {rule.kind}")


def choose_shipping(
    mean: Evaluation, refit: Evaluation, rule: SplitRule, direction: Direction, near_tie: float
) -> Shipped:
    """The better of both on the hold-out, if the difference is more than noise (`near_tie`); else the default. [O]"""
    default, effect = default_shipping(rule), compare(mean, refit, direction, near_tie)
    update: dict[str, object] = {"mean": mean.score, "refit": refit.score}
    if effect is None or effect.verdict == "near-tie":
        update["reason"] = f"{default.reason}; on the hold-out the two are within noise of each other"
    else:
        update |= {"mode": "mean" if effect.gain > 0 else "refit", "reason": "better on the hold-out"}
    return default.model_copy(update=update)


def why(ranking: Sequence[FinalRanking], ensemble: Ensemble | None, reason: str) -> str:
    """One sentence that explains why the winner won."""
    if not ranking:
        return f"{reason}; no trial was accepted, so there is no winner"
    first = ranking[0]
    if first.mean is None:
        return f"{reason}; no finalist ran on the hold-out, so the best out-of-fold score decides"
    several = f"{len(ranking)} finalists" if len(ranking) > 1 else "one finalist"
    words = f"{reason}; best mean hold-out score {plain(first.mean, 5)} of {several}"
    if first.misaligned:
        return f"{words}, although it is misaligned, as all of them are"
    words += "".join(map(_left_out, ranking))
    if ensemble is None or ensemble.score is None or ensemble.single is None:
        return words
    scores = f"scores {plain(ensemble.score, 5)} out of fold, the winner alone {plain(ensemble.single, 5)}"
    words += f"; an ensemble of {len(ensemble.members)} trials {scores}"
    return f"{words}: it is submitted, as any gain counts" if ensemble.taken else f"{words}: it is not submitted"


def _left_out(ranking: FinalRanking) -> str:
    """Why a misaligned finalist is ranked last; empty for other finalists."""
    if not ranking.misaligned or ranking.mean is None:
        return ""
    finalist = ranking.finalist
    own, held = plain(finalist.score, 5), plain(ranking.mean, 5)
    return (
        f"; {finalist.trace}.{finalist.step} comes last: its out-of-fold score {own} is better than its "
        f"hold-out score {held} by more than noise, so its validation does not predict the hold-out"
    )
