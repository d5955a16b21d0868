"""Moves on columns of free text: which terms are counted, and the number of topics that other models are given."""

from collections.abc import Iterable

from gome.agents.backends.expert.moves.captions import UNDERFIT, WORDS
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, change, extend
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.situation import Scene
from gome.scenarios.evidence import ColumnProfile

__all__ = ["MOVES"]

_ON_WORDS = frozenset({"linear", "margin", "bayes"})
_MOST_TOPICS = 400
_MOST_WORDS = 2_000_000  # in all rows: runs of letters are some twelve times as many


def _read(scene: Scene) -> list[ColumnProfile]:
    return [column for column in scene.profile.columns if column.name in scene.plan.texts]


def _unread(scene: Scene) -> Iterable[Choice]:
    for column in scene.profile.columns:
        if column.role == "feature" and column.dtype == "text" and column.name not in scene.plan.texts:
            if ("DataLoadSpec", f"text({column.name})", "drop") in scene.tried:
                continue  # it was read, and left for the better
            words = f"{column.name} has {column.words:g} words in a row, and none is read."
            yield Choice((column.name,), 0.2, words)


def _deaf(scene: Scene) -> Iterable[Choice]:
    """A text without an effect on predictions, or a short text beside other columns when the model overfits."""
    for column in _read(scene):
        if len(scene.columns) > 0 and scene.importance and scene.weight(column.name) < 0.01:
            words = f"Permuting {column.name} moves predictions by under 1 % of what all columns do."
            yield Choice((column.name,), 0.003, words)
        elif not scene.on_words and (scene.gap or 0.0) > 0.35:
            words = f"Training shows {1 - (scene.gap or 0):.0%} of the loss: {column.name} may be learnt by heart"
            yield Choice(
                (column.name,), 0.02, f"{words}, with {column.words:g} words beside {len(scene.columns)} columns."
            )


def _pairs(scene: Scene) -> Iterable[Choice]:
    for column in _read(scene)[:1]:
        if not scene.plan.word_pairs and _ON_WORDS & set(scene.plan.models):
            words = f"{column.name} has {column.words:g} words in a row; what two say together is lost."
            yield Choice((), 0.03, words)


def _no_pairs(scene: Scene) -> Iterable[Choice]:
    if scene.plan.texts and scene.plan.word_pairs and (scene.gap or 0.0) > 0.5:
        yield Choice((), 0.002, f"Training shows {1 - (scene.gap or 0):.0%} of the loss: pairs are learnt by heart.")


def _characters(scene: Scene) -> Iterable[Choice]:
    for column in _read(scene)[:1]:
        long = (column.words or 0.0) * (scene.task.train_rows + scene.task.test_rows) > _MOST_WORDS
        if not scene.plan.characters and not long and _ON_WORDS & set(scene.plan.models):
            words = (
                f"{column.name} is read by whole words: endings, misspellings and names written apart are strangers."
            )
            yield Choice((), 0.035 if (column.words or 0) < 40 else 0.02, words)


def _topics(scene: Scene) -> Iterable[Choice]:
    if scene.plan.texts and set(scene.plan.models) - _ON_WORDS and scene.plan.topics < _MOST_TOPICS:
        words = f"All that the texts say is in {scene.plan.topics} numbers for models that need few columns."
        yield Choice((), 0.02 if not _ON_WORDS & set(scene.plan.models) else 0.003, words)


def _more_topics(plan: Plan, _: Subject) -> Plan:
    return plan.model_copy(update={"topics": min(_MOST_TOPICS, 2 * plan.topics)})


def _leave(plan: Plan, subject: Subject) -> Plan:
    return plan.model_copy(update={"texts": tuple(name for name in plan.texts if name not in subject)})


MOVES = (
    Move(
        "DataLoadSpec",
        "text",
        "read",
        WORDS,
        "The words of {subject}, weighed by how rare they are, tell what its other columns do not.",
        _unread,
        extend("texts"),
        safety=8,
        at_root=True,
    ),
    Move(
        "DataLoadSpec",
        "text",
        "drop",
        WORDS,
        "Leaving the words of {subject} unread takes away columns that only cost variance.",
        _deaf,
        _leave,
        safety=5,
    ),
    Move(
        "FeatureEng",
        "word_pairs",
        "add",
        WORDS,
        "Pairs of neighbouring words tell what the two words alone do not.",
        _pairs,
        change(word_pairs=True),
        safety=7,
    ),
    Move(
        "FeatureEng",
        "word_pairs",
        "drop",
        WORDS,
        "Single words are seen often enough to be weighed well; pairs are not.",
        _no_pairs,
        change(word_pairs=False),
        safety=5,
    ),
    Move(
        "FeatureEng",
        "characters",
        "add",
        WORDS,
        "Runs of three to five letters join the forms of a word and survive misspelling.",
        _characters,
        change(characters=True),
        safety=7,
    ),
    Move(
        "FeatureEng",
        "topics",
        "up",
        UNDERFIT,
        "Twice the topics keep more of what the texts say.",
        _topics,
        _more_topics,
        safety=6,
    ),
)
