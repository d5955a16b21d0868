"""Report and figure of the crossover benchmark."""

import math
import random
from collections.abc import Callable, Sequence
from statistics import fmean, median

from benchmarks.crossover.runs import Result

__all__ = ["figure", "table"]

Pair = tuple[str, int]
_COLOURS = {"gome": "#0b6e4f", "tree-search": "#b3541e", "tree-search-uct": "#8a6d1f", "best-of-n": "#4a5a8a"}
_CONTROLS = ("gome-paper", "tree-search", "tree-search-uct", "tree-search-raced", "best-of-n", "auto")
_MEASURES: dict[str, Callable[[Result], float]] = {
    "private test": lambda result: result.test,
    "best validation": lambda result: result.curve[-1],
}
_HEAD = (
    "| skill | optimizer | runs | best validation | private test | trials to 90 % | accepted |",
    "|---|---|---|---|---|---|---|",
)
STRONG = (
    "The controls share model, executor, folds, budget of trials, hold-out finish and leakage checks with gome. "
    "Tree search spends its whole budget in one tree; its drafts are as good as gome's roots. Controls have no "
    "ensemble at the finish and, but for tree-search-raced, run every split, as their authors have it. One call "
    "judges the base with all the evidence that gome's Diagnoser gets, proposes from the same catalogue and chooses "
    "by the same rule; its journal shows every trial. A draft of best-of-n may have up to five more moves than a "
    "root, drawn with weights by their expected gain."
)
NOTE = (
    "All arms use gome's rule-based expert, whose judgements are replaced by random ones with probability 1 − skill. "
    "So this simulates the paper's claim with a degraded rule-based backend; it is no evidence about language models. "
    "Scores are normalised: 0 is a constant prediction, 1 the oracle that knows the rule by which the data were made."
)


def interval(
    values: Sequence[float], statistic: Callable[[Sequence[float]], float] = fmean
) -> tuple[float, float, float]:
    """(statistic, low, high) of a 95 % bootstrap interval over runs, with a fixed seed."""
    rng = random.Random(0)
    drawn = sorted(statistic(rng.choices(values, k=len(values))) for _ in range(1000))
    return statistic(values), drawn[25], drawn[974]


def table(results: Sequence[Result]) -> str:
    """The report in Markdown: the table and the comparisons."""
    skills = sorted({result.skill for result in results})
    arms = list(dict.fromkeys(result.arm for result in results))
    parts = [f"# Crossover: optimizers by the skill of the model\n\n{NOTE}\n", f"{_extent(results)}\n", *_HEAD]
    for skill in skills:
        for arm in arms:
            cell = [each for each in results if each.arm == arm and each.skill == skill]
            if cell:
                parts.append(f"| {skill:g} | {arm} | {len(cell)} | {_row(cell, results)} |")
    for measure in _MEASURES:
        parts += ["", f"## Who leads: {measure}", "", *(_leader(skill, measure, results) for skill in skills)]
    parts += ["", "## How soon gome is where best-of-n ends", "", *(_sooner(skill, results) for skill in skills)]
    ablations = [arm for arm in arms if arm not in ("gome", *_CONTROLS)]
    if ablations:
        parts += ["", "## What each ablation costs (private test, gome minus ablation, same task and seed)", ""]
        there = [(skill, arm) for skill in skills for arm in ablations if _have(arm, skill, results)]
        gaps = [(skill, _difference(skill, "gome", arm, "private test", results)) for skill, arm in there]
        parts += [f"- skill {skill:g}, {words}" for skill, words in gaps]
    parts += ["", "## What was done to make the controls strong", "", STRONG]
    return "\n".join(parts) + "\n"


def _extent(results: Sequence[Result]) -> str:
    """Number of runs, tasks, seeds and commit, and how many scripts came from the cache."""
    asked, found = (sum(getattr(each.counted, name) for each in results) for name in ("scripts", "found"))
    commits = ", ".join(sorted({each.commit for each in results if each.commit})) or "unknown"
    tasks = ", ".join(sorted({each.task for each in results}))
    seeds = ", ".join(map(str, sorted({each.seed for each in results})))
    return (
        f"{len(results)} runs of {max(each.trials for each in results)} trials, tasks {tasks}, seeds {seeds}; 95 % "
        "bootstrap intervals over tasks and seeds, differences paired by task and seed. "
        f"{asked} scripts were requested; {found} of them had already been run for the same task and seed. "
        f"Commit: {commits}."
    )


def _have(arm: str, skill: float, results: Sequence[Result]) -> bool:
    return any(each.arm == arm and each.skill == skill for each in results)


def _row(cell: Sequence[Result], results: Sequence[Result]) -> str:
    validation = interval([each.curve[-1] for each in cell])
    test = interval([each.test for each in cell])
    needed = [_trials_to(each.curve, 0.9 * _best(each, results)) for each in cell]
    reached = [count for count in needed if count is not None]
    # Runs that never reach the level count as infinitely long, so that failing does not look fast.
    middle = sorted(count if count is not None else float("inf") for count in needed)[len(needed) // 2]
    soon = f"{middle:g}" if middle != float("inf") else "never"
    return (
        f"{_shown(validation)} | {_shown(test)} | {soon} ({len(reached)}/{len(cell)} runs) | "
        f"{fmean(each.accepted for each in cell):.0%}"
    )


def _best(result: Result, results: Sequence[Result]) -> float:
    """The best validation that any arm reached on the same task, seed and skill."""
    same = [each for each in results if (each.task, each.seed, each.skill) == (result.task, result.seed, result.skill)]
    return max(each.curve[-1] for each in same)


def _trials_to(curve: Sequence[float], level: float) -> int | None:
    return next((number for number, value in enumerate(curve, 1) if value >= level), None)


def _leader(skill: float, measure: str, results: Sequence[Result]) -> str:
    """The arm with the best mean of a measure, and its paired lead over each other main arm."""
    main = [arm for arm in ("gome", *_CONTROLS) if _have(arm, skill, results)]
    value = _MEASURES[measure]
    means = {arm: fmean(value(each) for each in results if (each.arm, each.skill) == (arm, skill)) for arm in main}
    first = max(means, key=lambda arm: means[arm])
    rest = [_difference(skill, first, arm, measure, results) for arm in main if arm != first]
    return f"- skill {skill:g}: **{first}** leads with {means[first]:.3f}. {' '.join(rest)}"


def _difference(skill: float, one: str, other: str, measure: str, results: Sequence[Result]) -> str:
    """The paired difference of two arms in a measure, with its interval."""
    value = _MEASURES[measure]
    ours, theirs = (
        {_pair(each): value(each) for each in results if (each.arm, each.skill) == (arm, skill)} for arm in (one, other)
    )
    gaps = [ours[pair] - theirs[pair] for pair in sorted(ours.keys() & theirs.keys())]
    if not gaps:
        return f"{one} − {other}: no common runs."
    gap = interval(gaps)
    sure = "" if gap[1] > 0 or gap[2] < 0 else ", undecided"
    return f"{one} − {other}: {gap[0]:+.3f} [{gap[1]:+.3f}, {gap[2]:+.3f}]{sure}."


def _pair(result: Result) -> Pair:
    return result.task, result.seed


def _sooner(skill: float, results: Sequence[Result]) -> str:
    ends = {_pair(each): each for each in results if each.arm == "best-of-n" and each.skill == skill}
    shares, never = [], 0
    for each in results:
        if each.arm != "gome" or each.skill != skill or _pair(each) not in ends:
            continue
        rival = ends[_pair(each)]
        count = _trials_to(each.curve, rival.curve[-1])
        shares.append(count / rival.trials if count is not None else float("inf"))
        never += count is None
    if not shares:
        return f"- skill {skill:g}: no common runs."
    middle = median(shares)
    soon = f"in {middle:.0%} of its trials (median)" if middle != float("inf") else "in no more than half of the runs"
    missed = f"never in {never} of {len(shares)} runs"
    return f"- skill {skill:g}: gome reaches best-of-n's final validation score {soon}; {missed}."


def _shown(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def figure(results: Sequence[Result]) -> str:
    """An SVG of two panels, private test and best validation by skill: one line per optimizer, with intervals."""
    panels = enumerate(_MEASURES.items())
    drawn = "".join(_panel(title, value, results, 60 + 400 * place) for place, (title, value) in panels)
    named = [arm for arm in _COLOURS if any(each.arm == arm for each in results)]
    keys = "".join(
        f'<text x="{60 + 150 * place}" y="340" fill="{_COLOURS[arm]}">● {arm}</text>' for place, arm in enumerate(named)
    )
    note = "The model is rule-based and degraded on purpose: a simulation, no evidence about language models."
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 380" font-family="sans-serif" font-size="13">'
        f'<rect width="860" height="380" fill="white"/>{drawn}{keys}'
        f'<text x="60" y="366" font-size="11">{note}</text></svg>\n'
    )


def _panel(title: str, value: Callable[[Result], float], results: Sequence[Result], left: int) -> str:
    points = {
        (arm, skill): interval([value(each) for each in results if each.arm == arm and each.skill == skill])
        for arm in _COLOURS
        for skill in sorted({each.skill for each in results if each.arm == arm})
    }
    # In tenths, covering the intervals only: the axis labels show where it begins.
    low = math.floor(10 * min(point[1] for point in points.values()))
    high = max(low + 1, math.ceil(10 * max(point[2] for point in points.values())))

    def x(skill: float) -> float:
        return left + 10 + 310 * skill

    def y(share: float) -> float:
        return 290 - 240 * (10 * share - low) / (high - low)

    lines = [f'<text x="{left}" y="30" font-weight="bold">{title}, normalised</text>']
    lines += [f'<text x="{x(skill) - 10}" y="310">{skill:g}</text>' for skill in sorted({skill for _, skill in points})]
    for tick in range(low, high + 1):
        height = y(tick / 10)
        lines.append(f'<line x1="{left}" x2="{left + 330}" y1="{height}" y2="{height}" stroke="#dddddd"/>')
        lines.append(f'<text x="{left - 32}" y="{height + 4}">{tick / 10:.1f}</text>')
    lines.append(f'<text x="{left + 140}" y="325">skill</text>')
    for place, (arm, colour) in enumerate(_COLOURS.items()):
        beside = 0.01 * (place - 1.5)  # so that intervals do not overlap
        mine = [(skill + beside, point) for (name, skill), point in points.items() if name == arm]
        path = " ".join(f"{x(skill):.1f},{y(point[0]):.1f}" for skill, point in mine)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for skill, (middle, bottom, top) in mine:
            at = x(skill)
            lines.append(f'<line x1="{at}" x2="{at}" y1="{y(bottom)}" y2="{y(top)}" stroke="{colour}"/>')
            lines.append(f'<circle cx="{at}" cy="{y(middle)}" r="3.5" fill="{colour}"/>')
    return "".join(lines)
