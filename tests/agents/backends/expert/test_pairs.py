"""Every pair of moves composes and runs, on small tables of every kind.

Plans of many moves cover the pairs together: each pair of moves that can be played is in at least one plan. A script
that fails is a defect of the expert.
"""

import ast
from collections.abc import Iterable, Sequence
from itertools import combinations

import pytest

from gome.agents.backends.expert.moves.catalogue import CATALOGUE
from gome.agents.backends.expert.moves.move import Move, Subject
from gome.agents.backends.expert.plan import Plan
from tests.agents.backends.expert.place import Place, measured

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.xdist_group("expert"),
]  # they share places and a warm interpreter

KINDS = [
    "regression",
    "over-time",
    "binary",
    "multiclass",
    "ordered",
    "rare",
    "text",
    "pictures",
    "joins",
    "days",
    "curves",
]
_QUICK = {"iterations": 5, "trees": 5, "epochs": 1, "topics": 5}
_MOST = 12
_SLOW = frozenset({"iterations", "topics", "bags", "epochs"})
"""Moves whose only effect is that there is more of the same."""

Turn = tuple[Move, Subject]


def _turns(place: Place) -> list[Turn]:
    """The moves that can be played on a plain or a measured solution of the place, each on its first subject."""
    found: dict[tuple[str, str, str], Turn] = {}
    for plan in (place.plan(), place.plan(models=("boosting", "extra_trees")), place.plan(models=("linear",))):
        for gap in (None, 0.1, 0.7):
            scene = place.scene(plan, None if gap is None else measured(place, gap))
            for move in CATALOGUE:
                choice = next(iter(move.choices(scene)), None)
                if choice is not None and move.name not in _SLOW:
                    found.setdefault(move.key, (move, choice.subject))
    return list(found.values())


def _played(place: Place, turns: Iterable[Turn]) -> Plan:
    plan = place.plan(**_QUICK)
    for move, subject in turns:
        plan = move.edit(plan, subject)
    return plan.model_copy(update={name: value for name, value in _QUICK.items() if getattr(plan, name) > value})


def _covering(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Few lists of at most twelve moves that have each pair of moves; two directions of one thing are never joined."""

    def joined(one: Turn, other: Turn) -> bool:
        return (one[0].component, one[0].name) != (other[0].component, other[0].name) or one[0].name == "member"

    left = {(a, b) for a, b in combinations(range(len(turns)), 2) if joined(turns[a], turns[b])}
    lists = []
    while left:
        chosen = list(min(left))
        while len(chosen) < _MOST:
            fitting = [
                each
                for each in range(len(turns))
                if each not in chosen and all(joined(turns[each], turns[other]) for other in chosen)
            ]
            news = {each: sum(tuple(sorted((each, other))) in left for other in chosen) for each in fitting}
            best = max(news, key=lambda each: news[each], default=None)
            if best is None or not news[best]:
                break
            chosen.append(best)
        left -= set(combinations(sorted(chosen), 2))
        lists.append([turns[each] for each in chosen])
    return lists


@pytest.mark.parametrize("kind", KINDS)
def test_every_two_moves_compose(kind: str, places: dict[str, Place]) -> None:
    place = places[kind]
    scripts = {place.script(_played(place, pair)) for pair in combinations(_turns(place), 2)}
    for script in scripts:
        ast.parse(script)
    assert len(scripts) > 100


@pytest.mark.parametrize("kind", KINDS)
def test_every_two_moves_run_together(kind: str, places: dict[str, Place]) -> None:
    place = places[kind]
    turns = _turns(place)
    lists = _covering(turns)
    pairs = {frozenset((one[0].key, other[0].key)) for each in lists for one, other in combinations(each, 2)}
    assert len(pairs) > 0.8 * len(turns) * (len(turns) - 1) / 2
    for number, each in enumerate(lists):
        evaluation = place.run(f"pairs-{number}", place.script(_played(place, each)), view="debug")
        assert evaluation.defects == (), [move.key for move, _ in each]
