"""All moves, which of them apply in a scene, and the mapping from a hypothesis (of any origin) to a move."""

import re
from collections.abc import Callable, Iterable

from gome.agents.backends.expert.code.cost import longest, script_seconds, timed
from gome.agents.backends.expert.moves import data as moves_data
from gome.agents.backends.expert.moves import decision_and_calibration as moves_decision
from gome.agents.backends.expert.moves import encoding as moves_encoding
from gome.agents.backends.expert.moves import ensemble as moves_ensemble
from gome.agents.backends.expert.moves import family as moves_family
from gome.agents.backends.expert.moves import features as moves_features
from gome.agents.backends.expert.moves import images as moves_images
from gome.agents.backends.expert.moves import joins as moves_joins
from gome.agents.backends.expert.moves import model as moves_model
from gome.agents.backends.expert.moves import target_and_loss as moves_target
from gome.agents.backends.expert.moves import text as moves_text
from gome.agents.backends.expert.moves import time as moves_time
from gome.agents.backends.expert.moves.move import Choice, Move, Play, Subject, parse_parameter
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.situation import Scene
from gome.agents.protocol.types import Hypothesis

__all__ = ["CATALOGUE", "apply_hypothesis", "learnt", "move_of", "playable", "plays"]

CATALOGUE: tuple[Move, ...] = (
    *moves_data.MOVES,
    *moves_features.MOVES,
    *moves_encoding.MOVES,
    *moves_joins.MOVES,
    *moves_text.MOVES,
    *moves_images.MOVES,
    *moves_time.MOVES,
    *moves_family.MOVES,
    *moves_model.MOVES,
    *moves_target.MOVES,
    *moves_decision.MOVES,
    *moves_ensemble.MOVES,
)
_BY_KEY = {move.key: move for move in (*CATALOGUE, moves_family.WITHOUT)}


def plays(scene: Scene) -> list[Play]:
    """The applicable plays that were not refuted before, best first."""
    return [play for play in playable(scene) if play.key not in scene.refuted]


def playable(scene: Scene) -> list[Play]:
    """All applicable plays that the user does not ask to avoid, best first.

    Their preconditions hold, they change the plan, and they fit the target time.

    Gains are weighted by the success of earlier moves on the same component (`learnt`).
    """
    seconds_of = timed(scene)
    most = longest(scene, seconds_of)
    fitting = (play for move in CATALOGUE for play in _of(move, scene, seconds_of) if play.seconds <= most)
    found = [play for play in fitting if not (scene.avoids(*play.names) or scene.barred & set(play.plan.models))]
    return sorted(found, key=lambda play: (-_promise(scene, play), play.key))


def _promise(scene: Scene, play: Play) -> float:
    """The gain of a play by experience; what the user prefers comes before all others."""
    return play.choice.gain * learnt(scene, play.move.component) + scene.prefers(*play.names)


def _of(move: Move, scene: Scene, seconds_of: Callable[[Plan], float]) -> Iterable[Play]:
    for choice in move.choices(scene):
        plan = move.edit(scene.plan, choice.subject)
        if plan != scene.plan or scene.evaluation is None:
            yield Play(move, choice, plan, seconds_of(plan))


def learnt(scene: Scene, component: str) -> float:
    """Weight of a component by the success of its moves in the history: 1 if none, lower for rejected ones."""
    tested = [note for note in scene.history if not note.untested]
    tried = [note for note in tested if any(h.component == component for h in note.hypotheses)]
    accepted = sum(note.accepted for note in tried)
    return (2.0 + accepted) / (2.0 + 0.8 * len(tried)) if tried else 1.0


def move_of(hypothesis: Hypothesis) -> tuple[Move, Subject] | None:
    """The move and subject that a hypothesis names; None where its key is not in the catalogue."""
    name, subject = parse_parameter(hypothesis.parameter)
    move = _BY_KEY.get((hypothesis.component, name, hypothesis.direction))
    return (move, subject) if move is not None else None


def apply_hypothesis(plan: Plan, hypothesis: Hypothesis, scene: Scene) -> tuple[Plan, str]:
    """The plan with a hypothesis applied, and a note if the hypothesis had to be interpreted.

    A hypothesis whose key is in the catalogue is applied exactly. Any other is mapped to the applicable move with the
    most similar words, preferring its own component; the plan is unchanged if no move is similar.
    """
    found = move_of(hypothesis)
    if found is not None:
        move, subject = found
        known = {column.name for column in scene.known.columns} | {table.prefix for table in scene.profile.tables}
        if move is moves_family.WITHOUT or all(name in known for name in subject):
            return move.edit(plan, subject), ""
    nearest = _nearest(hypothesis, scene)
    if nearest is None:
        return plan, f"No move of the catalogue says {hypothesis.statement!r}; the solution is left as it is."
    note = f"Read {hypothesis.statement!r} as {nearest.move.says(nearest.choice.subject)!r}"
    return nearest.move.edit(plan, nearest.choice.subject), note


def _nearest(hypothesis: Hypothesis, scene: Scene) -> Play | None:
    wanted = _words(f"{hypothesis.parameter} {hypothesis.direction} {hypothesis.statement}")
    ranked = []
    for play in (*plays(scene), *_without_subject(scene)):
        words = _words(f"{play.key[1]} {play.move.direction} {play.move.says(play.choice.subject)}")
        shared = len(wanted & words) / max(1, len(words)) + 0.3 * (play.move.component == hypothesis.component)
        ranked.append((shared, play))
    best = max(ranked, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] > 0.15 else None


def _without_subject(scene: Scene) -> Iterable[Play]:
    """Moves that need no column, whether or not their preconditions hold: the hypothesis has been decided elsewhere."""
    for move in CATALOGUE:
        if "{subject}" not in move.statement and (plan := move.edit(scene.plan, ())) != scene.plan:
            yield Play(move, Choice((), 0.0, ""), plan, script_seconds(scene, plan))


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 2}
