"""Moves on encodings: categories as numbers, numbers as bins or logarithms."""

from collections.abc import Callable, Iterable

from gome.agents.backends.expert.columns import phrases
from gome.agents.backends.expert.moves.captions import SCALES, SPELLING, VALUES
from gome.agents.backends.expert.moves.move import Choice, Move, change, extend
from gome.agents.backends.expert.plan import SCALED
from gome.agents.backends.expert.situation import Scene
from gome.scenarios.evidence import ColumnProfile

__all__ = ["MOVES"]


_ROWS_OF_A_VALUE = 3
"""Fewest rows of a category's values, on average, by which something can be said of the next row."""


def _many(scene: Scene, least: int) -> list[ColumnProfile]:
    most = scene.profile.rows / _ROWS_OF_A_VALUE
    several = [c for c in scene.categories if least <= c.cardinality <= most]
    found = [column for column in several if column.name not in scene.plan.target_means]
    return sorted(found, key=lambda column: -column.cardinality)


def _target_means(scene: Scene) -> Iterable[Choice]:
    for column in _many(scene, 8):
        words = (
            f"{column.name} has {column.cardinality} values: each gets few rows, and cuts between them are arbitrary."
        )
        yield Choice((column.name,), 0.002 + 0.02 * min(1.0, column.cardinality / 100), words)


def _phrases(scene: Scene) -> Iterable[Choice]:
    for column in scene.categories:
        if phrases(column) and column.name not in scene.plan.words:
            words = f"{column.name} has {column.cardinality} values that are several words and share them."
            yield Choice((column.name,), 0.05, words)


def _counts(scene: Scene) -> Iterable[Choice]:
    for column in _many(scene, 8):
        if column.name not in scene.plan.counts:
            words = (
                f"{column.name} has {column.cardinality} values; how common a value is may tell as much as which it is."
            )
            yield Choice((column.name,), 0.005, words)


def _bins(scene: Scene) -> Iterable[Choice]:
    if not SCALED & set(scene.plan.models):
        return
    for column in scene.continuous[:4]:
        if column.name not in scene.plan.bins:
            yield Choice((column.name,), 0.006, f"A linear reading of {column.name} cannot bend; steps of it can.")


def _logs(scene: Scene) -> Iterable[Choice]:
    skewed = [
        c for c in scene.continuous if abs(c.skew or 0) > 2 and (c.minimum or 0) >= 0 and c.name not in scene.plan.logs
    ]
    if skewed:
        gain = 0.02 if SCALED & set(scene.plan.models) else 0.001
        words = f"{skewed[0].name} has a skew of {skewed[0].skew:.1f}: a few values stretch its scale."
        yield Choice(tuple(column.name for column in skewed[:6]), gain, words)


def _encoding(kind: str, gain: float) -> Callable[[Scene], Iterable[Choice]]:
    def choices(scene: Scene) -> Iterable[Choice]:
        trees = {"boosting", "extra_trees", "random_forest"} & set(scene.plan.models)
        if not trees or not scene.categories or scene.plan.encoding == kind:
            return
        widest = max(scene.categories, key=lambda column: column.cardinality)
        if kind == "onehot" and widest.cardinality > 60:
            return
        words = f"{len(scene.categories)} categories, {widest.name} of {widest.cardinality}, are {scene.plan.encoding}."
        yield Choice((), gain, words)

    return choices


MOVES = (
    Move(
        "FeatureEng",
        "words",
        "add",
        VALUES,
        "A column for each frequent word of {subject} shows what different values have in common.",
        _phrases,
        extend("words"),
        safety=8,
        at_root=True,
    ),
    Move(
        "FeatureEng",
        "target_mean",
        "add",
        VALUES,
        "Replacing {subject} by the mean target of each value, computed out of fold, sorts values by their effect.",
        _target_means,
        extend("target_means"),
        safety=5,
    ),
    Move(
        "FeatureEng",
        "count",
        "add",
        VALUES,
        "How often the value of {subject} occurs tells common from rare.",
        _counts,
        extend("counts"),
        safety=7,
    ),
    Move(
        "FeatureEng",
        "bins",
        "add",
        SCALES,
        "{subject} in ten steps of equal size lets the model bend.",
        _bins,
        extend("bins"),
        safety=7,
    ),
    Move(
        "FeatureEng",
        "log_columns",
        "add",
        SCALES,
        "The logarithm of {subject} takes the stretch out of their scale.",
        _logs,
        extend("logs"),
        safety=8,
    ),
    Move(
        "FeatureEng",
        "encoding",
        "onehot",
        SPELLING,
        "One column for each value of a category lets a tree ask for one value at a time.",
        _encoding("onehot", 0.002),
        change(encoding="onehot"),
        safety=6,
    ),
    Move(
        "FeatureEng",
        "encoding",
        "ordinal",
        SPELLING,
        "Categories as integers make cuts coarser and less prone to overfit than free groupings.",
        _encoding("ordinal", 0.002),
        change(encoding="ordinal"),
        safety=6,
    ),
    Move(
        "FeatureEng",
        "encoding",
        "native",
        SPELLING,
        "Categories as they are let boosting group values freely.",
        _encoding("native", 0.002),
        change(encoding="native"),
        safety=7,
    ),
)
