"""All moves, what of them can be played in a scene, and how a hypothesis out of anybody's mouth finds its move."""

import re
from collections.abc import Iterable

from gome.agents.backends.expert.code.cost import affordable, script_seconds
from gome.agents.backends.expert.moves import data as moves_data
from gome.agents.backends.expert.moves import encoding as moves_encoding
from gome.agents.backends.expert.moves import ensemble as moves_ensemble
from gome.agents.backends.expert.moves import family as moves_family
from gome.agents.backends.expert.moves import features as moves_features
from gome.agents.backends.expert.moves import images as moves_images
from gome.agents.backends.expert.moves import joins as moves_joins
from gome.agents.backends.expert.moves import model as moves_model
from gome.agents.backends.expert.moves import text as moves_text
from gome.agents.backends.expert.moves import time as moves_time
from gome.agents.backends.expert.moves import workflow as moves_workflow
from gome.agents.backends.expert.moves.move import Choice, Move, Play, Subject, parse_parameter
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.scene import Scene
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
    *moves_workflow.MOVES,
    *moves_ensemble.MOVES,
)
_BY_KEY = {move.key: move for move in CATALOGUE}


def plays(scene: Scene) -> list[Play]:
    """What is worth playing, best first: all that can be played but what was refuted before."""
    return [play for play in playable(scene) if play.key not in scene.refuted]


def playable(scene: Scene) -> list[Play]:
    """Everything that can be played: it fits, changes the plan, and stays within the time aimed at; best first.

    Gains are weighed by how moves on that component have fared.
    """
    found = [play for move in CATALOGUE for play in _of(move, scene)]
    return sorted(found, key=lambda play: (-play.choice.gain * learnt(scene, play.move.component), play.key))


def _of(move: Move, scene: Scene) -> Iterable[Play]:
    for choice in move.choices(scene):
        plan = move.edit(scene.plan, choice.subject)
        unchanged = plan == scene.plan and scene.evaluation is not None
        if unchanged or not affordable(scene, plan):
            continue
        yield Play(move, choice, plan, script_seconds(scene, plan))


def learnt(scene: Scene, component: str) -> float:
    """How moves on a component have fared on this path: from 0.4 (all refuted) to above 1 (all accepted)."""
    tried = [note for note in scene.history if any(h.component == component for h in note.hypotheses)]
    accepted = sum(note.accepted for note in tried)
    return (2.0 + accepted) / (2.0 + 0.8 * len(tried)) if tried else 1.0


def move_of(hypothesis: Hypothesis) -> tuple[Move, Subject] | None:
    """The move that a hypothesis plays, and on what; None where its key is none of the catalogue's."""
    name, subject = parse_parameter(hypothesis.parameter)
    move = _BY_KEY.get((hypothesis.component, name, hypothesis.direction))
    return (move, subject) if move is not None else None


def apply_hypothesis(plan: Plan, hypothesis: Hypothesis, scene: Scene) -> tuple[Plan, str]:
    """The plan with what a hypothesis says, and a note where it had to be read between the lines.

    A hypothesis that speaks the catalogue's language is played to the letter. Another is taken for the move of its
    component whose words are nearest to its own among what fits here.
    """
    found = move_of(hypothesis)
    if found is not None:
        move, subject = found
        known = {column.name for column in scene.known.columns} | {table.prefix for table in scene.profile.tables}
        if all(name in known for name in subject):
            return move.edit(plan, subject), ""
    nearest = _nearest(hypothesis, scene)
    if nearest is None:
        return plan, f"No move of the catalogue says {hypothesis.statement!r}; the solution is left as it is."
    note = f"Read {hypothesis.statement!r} as {nearest.move.says(nearest.choice.subject)!r}"
    return nearest.move.edit(plan, nearest.choice.subject), note


def _nearest(hypothesis: Hypothesis, scene: Scene) -> Play | None:
    told = _words(f"{hypothesis.parameter} {hypothesis.direction} {hypothesis.statement}")
    ranked = []
    for play in (*plays(scene), *_without_subject(scene)):
        words = _words(f"{play.key[1]} {play.move.direction} {play.move.says(play.choice.subject)}")
        shared = len(told & words) / max(1, len(words)) + 0.3 * (play.move.component == hypothesis.component)
        ranked.append((shared, play))
    best = max(ranked, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] > 0.15 else None


def _without_subject(scene: Scene) -> Iterable[Play]:
    """Moves that need no column, whatever speaks for them here: somebody else has already decided for one."""
    for move in CATALOGUE:
        if "{subject}" not in move.statement and (plan := move.edit(scene.plan, ())) != scene.plan:
            yield Play(move, Choice((), 0.0, ""), plan, script_seconds(scene, plan))


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 2}
