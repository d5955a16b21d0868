"""The schedule of the method: where challenges come from, and which stage a step is in.

Sources: [P] the paper or its data card, [C] the public code of that line of work (docs/method.md).
"""

from collections import Counter
from collections.abc import Sequence

from gome.agents.protocol.types import Challenge, Source, Stage
from gome.scenarios.config.method import Method

__all__ = ["foremost", "scenario_share", "stage_of", "wanted_sources"]


def scenario_share(accepted: int, refused: int, method: Method) -> int:
    """m, the weight of challenges that come from the task itself: from `scenario_weight` (3) down to 0. [C]

    w = ⌊(3·S + 2·F) / 2⌋, m = max(0, 3 − ⌊w / 4⌋), with S accepted and F not accepted trials on the trace's path; 3 and
    2 are `accepted_weight` and `refused_weight`, 4 is `schedule_slope`.
    """
    weight = (method.accepted_weight * accepted + method.refused_weight * refused) // 2
    return max(0, method.scenario_weight - weight // method.schedule_slope)


def wanted_sources(accepted: int, refused: int, method: Method) -> tuple[Source, ...]:
    """The sources of challenges to request: scenario while m > 0, feedback once m < 3. [C]"""
    share = scenario_share(accepted, refused, method)
    wanted: list[Source] = []
    if share > 0:
        wanted.append("scenario")
    if share < method.scenario_weight:
        wanted.append("feedback")
    return tuple(wanted)


def foremost(challenges: Sequence[Challenge], method: Method) -> tuple[Challenge, ...]:
    """The first challenges of each source, at most `method.challenges`. [C]"""
    count, kept = Counter[str](), list[Challenge]()
    for challenge in challenges:
        count[challenge.source] += 1
        if count[challenge.source] <= method.challenges:
            kept.append(challenge)
    return tuple(kept)


def stage_of(used: float, method: Method, *, first: bool = False) -> Stage:
    """The stage for a used share of the budget in [0, 1]: draft below 10 %, ensemble above 70 %, else improve. [C]

    A trace without a solution drafts whatever is used: there is nothing to improve. [O]
    """
    if first or used < method.draft_until:
        return "draft"
    return "ensemble" if used > method.ensemble_from else "improve"
