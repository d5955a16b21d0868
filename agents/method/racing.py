"""Racing: which splits of a trial are run first, and when it stops. Pure: the same runs give the same decision. [O]

After each split the trial is compared with the trace's best over the splits that both have:

 - worse:   gain < −margin · SE;
 - futile:  gain + z · SE · √(1 − f) < near_tie · SE · √f, with f the share of the splits that were compared (fewer
   than were run, where the best was not run on all): the left side is the gain that can still be reached (the variance
   of the final gain given these runs is SE² · (1 − f)), the right side the gain needed to be accepted in the end, when
   the standard error will be SE · √f; 0 where the sign of the gain decides near-ties;
 - decided: a slow script that is better by `decisive` · SE, or a very slow first solution;
 - same: its predictions are the best's, so that neither gain nor standard error will come. Not in lockstep, where what
   is accepted on some splits is not completed.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from gome.agents.method.validation import compare, near_miss
from gome.agents.protocol.types import Effect
from gome.scenarios.config.method import Method
from gome.scenarios.evaluation.scoring import merge
from gome.scenarios.evaluation.views import split_of
from gome.scenarios.evidence import Direction, Evaluation, SplitRule
from gome.scenarios.figures import plain

__all__ = ["Stop", "split_order", "stop_after"]

_FIRST = 6
"""Multiple of `heavy` (seconds) from which a first solution is judged on few splits; higher, as others rest on it."""
_UNLIKE = frozenset({"group", "time"})
"""Kinds of split rule whose splits differ much from one another."""


class Stop(NamedTuple):
    """Why a trial is not run on its other splits."""

    why: Literal["worse", "futile", "decided", "same"]
    words: str


def split_order(splits: Sequence[str], step: int, best: Evaluation | None, rule: SplitRule) -> tuple[str, ...]:
    """The order in which a trial runs its splits: those of its trace's best first, beginning with another at each step.

    If all trials began with the same split, what is accepted would be what suits that split. Splits by time keep their
    order, the latest first; a trace's first solution is run in the given order.
    """
    if best is None or rule.kind not in ("random", "stratified", "group"):
        return tuple(splits)
    common = [split for split in splits if split_of(split) in best.splits]
    others = [split for split in splits if split not in common]
    first = step % max(1, len(common))
    return (*common[first:], *common[:first], *others)


def stop_after(
    runs: Sequence[Evaluation],
    planned: int,
    best: Evaluation | None,
    rule: SplitRule,
    direction: Direction,
    method: Method,
    seconds: float,
    spared: float | None = None,
    *,
    unlike: bool = False,
) -> Stop | None:
    """Whether and why to stop after these `runs` of `planned` splits; None to go on.

    `best` is the evaluation of the trace's best, None if it has none. `seconds` is the time of the longest run; 0 where
    run time must not enter the decision. A trial that is behind by less than `spared` standard errors is not futile: it
    may be a member of the ensemble. `unlike` is a trial that goes on from another solution than the trace's best: one
    split says as little of it as one of other groups or times.
    """
    settings, done = method.racing, len(runs)
    unlike = unlike or rule.kind in _UNLIKE
    if done >= planned:
        return None
    after = f"after {done} of {planned} splits"
    heavy = method.folds == "auto" and seconds >= settings.heavy
    so_far = merge(runs, rule, planned)
    effect = compare(so_far, best, direction) if best is not None else None
    if effect is None:
        enough = done >= (2 if unlike else 1)
        first = method.folds == "auto" and seconds >= _FIRST * settings.heavy
        if first and enough and best is None and so_far.score is not None:
            return Stop("decided", f"judged {after}: one run takes {seconds:.0f} s")
        return None
    error = effect.standard_error
    if effect.none and method.folds == "auto" and seconds > 0:
        return Stop("same", f"stopped {after}: it is as good as the best on every row")
    if error is None or not error > 0:
        return None
    compared = effect.splits
    enough = compared >= (2 if unlike else 1)
    margin = settings.first_margin if compared == 1 and unlike else settings.margin
    if effect.gain < -margin * error:
        return Stop("worse", f"stopped {after}: worse by {_rests_on(effect)}")
    share = compared / planned
    hoped = effect.gain + settings.futility * error * math.sqrt(1 - share)
    member = spared is not None and near_miss(effect, spared)
    needed = 0.0 if method.near_ties == "gain" else method.near_tie * error * math.sqrt(share)
    if enough and not member and hoped < needed:
        gain = f"gain {plain(effect.gain, 4, signed=True)} ± {plain(error, 2)} over {effect.rows} rows"
        ahead = "ahead, but " if effect.gain > 0 else ""
        return Stop("futile", f"stopped {after}: {ahead}the other splits can hardly lift it to acceptance, {gain}")
    if heavy and enough and effect.gain > settings.decisive * error:
        return Stop("decided", f"judged {after}: better by {_rests_on(effect)}, and one run takes {seconds:.0f} s")
    return None


def _rests_on(effect: Effect) -> str:
    error = plain(effect.standard_error or 0.0, 2)
    return f"{plain(abs(effect.gain), 4)}, standard error {error} over {effect.rows} rows"
