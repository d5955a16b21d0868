"""Moves on the input data: dropped columns, rare values, missing values."""

from collections.abc import Iterable

from gome.agents.backends.expert.moves.captions import GAPS, USELESS, VALUES
from gome.agents.backends.expert.moves.move import Choice, Move, extend
from gome.agents.backends.expert.situation import Scene
from gome.scenarios.evidence import ColumnProfile

__all__ = ["MOVES"]


def _identifiers(scene: Scene) -> Iterable[Choice]:
    for column in scene.categories:
        if column.cardinality > 0.5 * scene.profile.rows:
            words = f"{column.name} has {column.cardinality} values in {scene.profile.rows} rows: it names rows."
            yield Choice((column.name,), 0.02, words)


def _strangers(scene: Scene) -> Iterable[Choice]:
    for column in scene.columns:
        if scene.evaluation is None:
            if _names_groups(column, scene):
                words = f"Each {column.name} is either in training or in the test: what is learnt of one says nothing."
                yield Choice((column.name,), 0.1, words)
        elif column.dtype != "datetime" and column.unseen_in_test is not None and column.unseen_in_test > 0.3:
            words = f"{column.unseen_in_test:.0%} of the test rows have a {column.name} that training never shows."
            yield Choice((column.name,), 0.01 + 0.02 * column.unseen_in_test, words)


def _names_groups(column: ColumnProfile, scene: Scene) -> bool:
    """Whether the test has other values of this column than training, and they are words.

    Numbers may be dealt in some order, so that neighbours are alike: of them the validation on other groups decides.
    """
    split = scene.task.split
    return split.kind == "group" and split.block == 1 and split.column == column.name and column.dtype == "category"


def _silent(scene: Scene) -> Iterable[Choice]:
    if not scene.importance:
        return
    fair = 1.0 / max(1, len(scene.columns))
    weak = [c.name for c in scene.columns if scene.weight(c.name) < 0.02 * fair and c.name not in scene.sequence]
    weak = [name for name in weak if name in scene.importance]
    if weak:
        words = f"Permuting {', '.join(weak[:6])} hardly moves a prediction (under 2 % of a fair share of importance)."
        yield Choice(tuple(weak[:6]), 0.003, words)


def _rare(scene: Scene) -> Iterable[Choice]:
    for column in scene.categories:
        rows = scene.task.train_rows + scene.task.test_rows
        if column.dtype == "category" and column.cardinality > max(20, rows / 40):  # else no value is rare
            mean = scene.profile.rows / column.cardinality
            words = f"{column.name} has {column.cardinality} values, {mean:.0f} rows each on average."
            yield Choice((column.name,), 0.006, words)


def _gaps(scene: Scene) -> Iterable[Choice]:
    holes = sorted((c for c in scene.columns if c.missing > 0.01), key=lambda c: -c.missing * scene.weight(c.name))
    if holes:
        names = tuple(column.name for column in holes[:5])
        words = f"{holes[0].name} is missing in {holes[0].missing:.0%} of the rows; that it is may itself tell."
        yield Choice(names, 0.002 if "boosting" in scene.plan.models else 0.005, words)


MOVES = (
    Move(
        "DataLoadSpec",
        "identifiers",
        "drop",
        USELESS,
        "Leaving out {subject}, which only names rows, takes away something to learn by heart.",
        _identifiers,
        extend("drop"),
        at_root=True,
    ),
    Move(
        "DataLoadSpec",
        "unseen_values",
        "drop",
        USELESS,
        "Leaving out {subject}, whose test values are largely unknown, makes validation and test alike.",
        _strangers,
        extend("drop"),
        safety=5,
        at_root=True,
    ),
    Move(
        "DataLoadSpec",
        "silent_columns",
        "drop",
        USELESS,
        "Leaving out {subject}, on which predictions hardly depend, lowers variance and cost.",
        _silent,
        extend("drop"),
        safety=7,
    ),
    Move(
        "DataLoadSpec",
        "rare_values",
        "join",
        VALUES,
        "Joining the values of {subject} that are seen in fewer than 20 rows steadies what is learnt of them.",
        _rare,
        extend("rare"),
        safety=7,
    ),
    Move(
        "DataLoadSpec",
        "missing_indicators",
        "add",
        GAPS,
        "A column that says where {subject} is missing lets the model use the absence itself.",
        _gaps,
        extend("indicators"),
        safety=8,
    ),
)
