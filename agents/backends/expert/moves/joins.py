"""Moves on side tables: which are joined, and which columns are derived from them."""

from collections.abc import Iterable

from gome.agents.backends.expert.columns import usable
from gome.agents.backends.expert.moves.captions import BESIDE
from gome.agents.backends.expert.moves.features import add_group_mean
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, extend
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.situation import Scene
from gome.scenarios.evidence import SideTable

__all__ = ["MOVES"]


def _key(table: SideTable) -> str:
    return " and ".join(left for left, _ in table.keys)


def _unread(scene: Scene) -> Iterable[Choice]:
    for table in scene.profile.tables:
        if table.prefix not in scene.plan.joins and table.columns:
            words = f"{table.file} names {table.matched:.0%} of the training rows by {_key(table)}, and is not read."
            yield Choice((table.prefix,), 0.02 + 0.06 * table.matched, words)


def _silent(scene: Scene) -> Iterable[Choice]:
    """Joined tables without an effect on predictions."""
    if not scene.importance:
        return
    for table in scene.profile.tables:
        names = [column.name for column in table.columns if usable(column) and column.name in scene.importance]
        weight = sum(scene.weight(name) for name in names)
        if table.prefix in scene.plan.joins and names and weight < 0.01 * len(names):
            words = f"All {len(names)} columns of {table.file} hold {weight:.1%} of the importance."
            yield Choice((table.prefix,), 0.003, words)


def _absent(scene: Scene) -> Iterable[Choice]:
    """Indicator for rows without a match in a joined table: there, its least incomplete column is missing."""
    for table in scene.profile.tables:
        if table.prefix in scene.plan.joins and 0.01 < 1 - table.matched < 0.99:
            column = min((c for c in table.columns if usable(c)), key=lambda c: c.missing, default=None)
            if column is not None and column.name not in scene.plan.indicators:
                words = f"{1 - table.matched:.0%} of the rows have no row in {table.file}; that may itself tell."
                yield Choice((column.name,), 0.004, words)


def _sharers(scene: Scene) -> Iterable[Choice]:
    """Keys that several rows share: the number of rows per key."""
    for table in scene.profile.tables:
        for name in (left for left, _ in table.keys):
            column = next((c for c in scene.columns if c.name == name), None)
            if column is None or name in scene.plan.counts or column.dtype != "category":
                continue
            if 20 <= column.cardinality < 0.5 * scene.profile.rows:
                mean = scene.profile.rows / column.cardinality
                words = f"{name} leads to {table.file}; {mean:.1f} rows share one, and none knows of the others."
                yield Choice((name,), 0.006, words)


def _against(scene: Scene) -> Iterable[Choice]:
    """A joined numeric column with its mean by another key, such as a place's value with its mean by hour."""
    parts = {left for table in scene.profile.tables for left, _ in table.keys}
    groups = [c.name for c in scene.categories if c.name in parts and c.cardinality <= scene.profile.rows / 5]
    names = {c.name for table in scene.profile.tables if table.prefix in scene.plan.joins for c in table.columns}
    joined = [c for c in scene.continuous if c.name in names][:3]
    for group in groups[:2]:
        for column in joined:
            if (group, column.name) not in scene.plan.group_means:
                words = f"{column.name} comes from a side table; how it lies against its mean by {group} is not seen."
                yield Choice((group, column.name), 0.004, words)


def _leave(plan: Plan, subject: Subject) -> Plan:
    """The plan without a table and without features made of its columns."""
    gone = tuple(subject)

    def stays(value: object) -> bool:
        names = (value,) if isinstance(value, str) else value
        return not isinstance(names, tuple) or not any(str(name).startswith(gone) for name in names)

    update = {name: tuple(each for each in value if stays(each)) for name, value in plan if isinstance(value, tuple)}
    return plan.model_copy(update=update | {"joins": tuple(each for each in plan.joins if each not in gone)})


MOVES = (
    Move(
        "DataLoadSpec",
        "join",
        "add",
        BESIDE,
        "The columns of the table {subject} joined to the rows tell what the rows do not.",
        _unread,
        extend("joins"),
        safety=8,
        at_root=True,
    ),
    Move(
        "DataLoadSpec",
        "join",
        "drop",
        BESIDE,
        "Leaving out the table {subject}, on which predictions hardly depend, lowers variance and cost.",
        _silent,
        _leave,
        safety=6,
    ),
    Move(
        "DataLoadSpec",
        "unmatched",
        "add",
        BESIDE,
        "A column that says where the join found nothing, {subject} being missing, lets the model use that.",
        _absent,
        extend("indicators"),
        safety=8,
    ),
    Move(
        "FeatureEng",
        "sharers",
        "add",
        BESIDE,
        "How many rows share a value of {subject} tells what one row cannot.",
        _sharers,
        extend("counts"),
        safety=7,
    ),
    Move(
        "FeatureEng",
        "mean_by_key",
        "add",
        BESIDE,
        "The mean by the first of {subject} of the second gives each row's own value something to stand against.",
        _against,
        add_group_mean,
        safety=6,
    ),
)
