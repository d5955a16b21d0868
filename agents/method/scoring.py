"""Rank hypotheses by their five self-scores."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence

from gome.agents.method.embedding import similarity
from gome.agents.protocol.types import Hypothesis, Scores
from gome.scenarios.config.method import Method

__all__ = ["compatible", "draw_by_rank", "mark_repeated", "overall_score", "same_idea", "top_candidates"]


def overall_score(scores: Scores, weights: tuple[float, float, float, float, float]) -> float:
    """0.4 impact + 0.2 alignment + 0.2 novelty + 0.1 feasibility + 0.1 risk-reward, each in 1…10. [C]"""
    parts = (scores.impact, scores.alignment, scores.novelty, scores.feasibility, scores.risk_reward)
    return sum(weight * part for weight, part in zip(weights, parts, strict=True))


def same_idea(one: Hypothesis, other: Hypothesis, method: Method) -> bool:
    """Whether two hypotheses are the same idea: they have the same key and similar enough statements. [O]

    Similarity alone is not enough: "raise the learning rate" and "lower the learning rate" share most of their words.
    """
    return one.key == other.key and similarity(one.statement, other.statement) >= method.repeat_similarity


def mark_repeated(hypothesis: Hypothesis, tried: Collection[Hypothesis], method: Method) -> Hypothesis:
    """The hypothesis, with its novelty set to 1 if the idea was tried before. [C]"""
    if hypothesis.scores is None or not any(same_idea(hypothesis, before, method) for before in tried):
        return hypothesis
    return hypothesis.model_copy(update={"scores": hypothesis.scores.model_copy(update={"novelty": 1})})


def top_candidates(
    hypotheses: Iterable[Hypothesis], tried: Collection[Hypothesis], method: Method
) -> tuple[Hypothesis, ...]:
    """The best scored hypotheses, best first, at most `method.candidates` (5), one per idea; ties keep their order.

    Hypotheses without scores come last.
    """
    distinct: list[Hypothesis] = []
    for hypothesis in hypotheses:
        if not any(same_idea(hypothesis, kept, method) for kept in distinct):
            distinct.append(mark_repeated(hypothesis, tried, method))
    ranked = sorted(distinct, key=lambda each: -overall_score(each.scores, method.weights) if each.scores else 0.0)
    return tuple(ranked[: method.candidates])


def draw_by_rank(
    candidates: Sequence[Hypothesis], sources: Mapping[str, str], share: int, method: Method, seed: int
) -> Hypothesis:
    """Rank mode: draw one of the best candidates, weighted m : 3 − m between the two sources of challenges. [C]

    `sources` maps a challenge's caption to its source, `share` is m. A hypothesis without a known challenge has the
    mean of both weights; if all weights are 0, the draw is uniform.
    """
    by_source = {"scenario": float(share), "feedback": float(method.scenario_weight - share)}
    mean = method.scenario_weight / 2
    weights = [by_source.get(sources.get(each.challenge, ""), mean) for each in candidates]
    return random.Random(seed).choices(candidates, weights=weights if any(weights) else None)[0]


def compatible(candidates: Iterable[Hypothesis]) -> tuple[Hypothesis, ...]:
    """The candidates that can be applied together: of several with the same parameter the first is kept. [I]"""
    chosen: dict[tuple[str, str], Hypothesis] = {}
    for each in candidates:
        chosen.setdefault((each.component, each.parameter), each)
    return tuple(chosen.values())
