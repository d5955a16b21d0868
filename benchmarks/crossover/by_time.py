"""The crossover by time: what each arm's best solution scores at given minutes of the simulated clock."""

from collections.abc import Sequence

from benchmarks.crossover.report import interval
from benchmarks.crossover.runs import SLOTS, Result
from benchmarks.crossover.work import CALL, STRETCH

__all__ = ["MINUTES", "by_time", "score_at"]

MINUTES: tuple[float, ...] = (15.0, 30.0)
NOTE = (
    f"{SLOTS} slots, calls of {CALL:g} s. A run takes {STRETCH:g} times what the expert's cost model estimates for its "
    "script on the small table; what any trace has run on a split takes no time again. Scores are those of the "
    "solution with the best validation at that time on the private test, without the finish and its ensemble. A run "
    "whose trials ended earlier keeps its last best; the share of such runs is given."
)
_HEAD = ("| skill | optimizer | runs | private test | ended before | gome minus it |", "|---|---|---|---|---|---|")


def score_at(result: Result, minutes: float) -> float:
    """The private test score of the best solution at that time; 0, a constant prediction, before there is one."""
    return next((test for ended, _, test in reversed(result.timeline) if ended <= minutes), 0.0)


def by_time(results: Sequence[Result], minutes: Sequence[float]) -> str:
    """The comparison at equal simulated time, in Markdown; empty for results without a timeline."""
    results = [each for each in results if each.timeline]
    if not results:
        return ""
    parts = ["## By simulated time\n", f"{NOTE}\n"]
    for at in minutes:
        parts += [f"After {at:g} minutes ({at * SLOTS / 60:.2g} slot-hours):\n"]
        parts += [
            "| skill | optimizer | runs | private test | ended before | gome minus it |",
            "|---|---|---|---|---|---|",
        ]
        parts += [*_rows(results, at), ""]
    return "\n".join(parts)


def _rows(results: Sequence[Result], at: float) -> list[str]:
    rows = []
    for skill in sorted({each.skill for each in results}):
        for arm in dict.fromkeys(each.arm for each in results):
            cell = [each for each in results if (each.arm, each.skill) == (arm, skill)]
            if cell:
                value = interval([score_at(each, at) for each in cell])
                early = sum(each.minutes < at for each in cell) / len(cell)
                lead = _lead(results, cell, skill, at) if arm != "gome" else "–"
                shown = f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"
                rows.append(f"| {skill:g} | {arm} | {len(cell)} | {shown} | {early:.0%} | {lead} |")
    return rows


def _lead(results: Sequence[Result], cell: Sequence[Result], skill: float, at: float) -> str:
    """gome's score minus the arm's, paired by task and seed."""
    ours = {(each.task, each.seed): each for each in results if (each.arm, each.skill) == ("gome", skill)}
    pairs = [(ours[each.task, each.seed], each) for each in cell if (each.task, each.seed) in ours]
    if not pairs:
        return "no common runs"
    gap = interval([score_at(one, at) - score_at(other, at) for one, other in pairs])
    return f"{gap[0]:+.3f} [{gap[1]:+.3f}, {gap[2]:+.3f}]"
