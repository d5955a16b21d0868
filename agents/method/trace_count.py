"""How many traces a run has with `traces: auto`: first solutions are raced, losers folded, a stall opens one more. [O]

A trace needs about a dozen trials to be worth its root: the paper's runs give each of four traces eleven, and with
twelve trials in all one trace scores better than two (docs/crossover.md). So the number of traces follows the number of
trials that are left. More first solutions than that are begun and compared, as a poor one would cost the whole run.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gome.agents.method.momentum import signed_gain
from gome.agents.method.validation import compare
from gome.scenarios.config.method import TraceSettings
from gome.scenarios.evidence import Direction, Evaluation
from gome.scenarios.figures import plain

__all__ = ["Racer", "loser", "opens_another", "roots", "supported"]


@dataclass(frozen=True, slots=True)
class Racer:
    """A trace in the race: trials so far, trials since its last accepted one, the evaluation of its best."""

    trials: int
    since_accept: int
    best: Evaluation | None


def supported(trials_left: float | None, settings: TraceSettings) -> int:
    """How many traces that number of trials supports; None: unknown, as many as may be."""
    if trials_left is None:
        return settings.most
    return max(1, min(settings.most, round(trials_left / settings.trials)))


def roots(trials_left: float | None, slots: int, settings: TraceSettings) -> int:
    """With how many traces a run begins: one per slot, and at most one for `settings.root` trials.

    What they find first is compared, and those that the trials do not support are folded then (`loser`): a poor first
    solution costs a trial, not the run.
    """
    most = settings.most if trials_left is None else min(settings.most, int(trials_left // settings.root))
    return max(1, min(slots, most))


def loser(
    traces: Mapping[int, Racer], trials_left: float | None, direction: Direction, settings: TraceSettings
) -> tuple[int, str] | None:
    """The trace to fold now, with the reason; None if none is. `traces` are those that are open.

    No trace is folded before all of them have a trial. The worst is folded where fewer traces are supported; else one
    that is behind the best by more than `settings.behind` standard errors, after `settings.patience` trials.
    """
    if len(traces) < 2 or any(each.trials == 0 for each in traces.values()):
        return None
    worst_first = sorted(traces, key=lambda trace: (_value(traces[trace].best, direction), -trace))
    worst, leader = worst_first[0], worst_first[-1]
    if len(traces) > (count := supported(trials_left, settings)):
        return worst, f"the trials left are enough for {count} of {len(traces)} traces, and it is the last of them"
    best = traces[leader].best
    for trace in worst_first[:-1]:
        own = traces[trace].best
        if traces[trace].trials < settings.patience or best is None:
            continue
        if own is None:
            return trace, f"no solution after {traces[trace].trials} trials"
        effect = compare(own, best, direction)
        if effect is not None and effect.gain < -settings.behind * (effect.standard_error or 0.0):
            return trace, f"{plain(-effect.gain, 4)} behind trace {leader} after {traces[trace].trials} trials"
    return None


def opens_another(
    traces: Mapping[int, Racer],
    opened: int,
    trials_left: float | None,
    direction: Direction,
    settings: TraceSettings,
) -> bool:
    """Whether a new trace is opened, as the best one has long had no accepted trial.

    `traces` are those that are open, `opened` is the number of all so far.
    """
    if not traces or opened >= settings.limit or len(traces) >= supported(trials_left, settings):
        return False
    leader = max(traces, key=lambda trace: (_value(traces[trace].best, direction), -trace))
    return traces[leader].since_accept >= settings.stall


def _value(best: Evaluation | None, direction: Direction) -> float:
    return float("-inf") if best is None or best.score is None else signed_gain(best.score, 0.0, direction)
