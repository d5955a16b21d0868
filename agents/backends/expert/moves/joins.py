"""Moves on tables beside the rows: which are joined, and what of a join is kept."""

from collections.abc import Iterable

from gome.agents.backends.expert.moves.captions import BESIDE
from gome.agents.backends.expert.moves.features import add_group_mean
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, extend
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.scene import Scene, usable
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
    """Joined tables of which nothing moves a prediction."""
    if not scene.importance:
        return
    for table in scene.profile.tables:
        names = [column.name for column in table.columns if usable(column) and column.name in scene.importance]
        weight = sum(scene.weight(name) for name in names)
        if table.prefix in scene.plan.joins and names and weight < 0.01 * len(names):
            words = f"All {len(names)} columns of {table.file} hold {weight:.1%} of the importance."
            yield Choice((table.prefix,), 0.003, words)


def _absent(scene: Scene) -> Iterable[Choice]:
    """The first column of a joined table is missing where no row was found."""
    for table in scene.profile.tables:
        if table.prefix in scene.plan.joins and 0.01 < 1 - table.matched < 0.99:
            column = min((c for c in table.columns if usable(c)), key=lambda c: c.missing, default=None)
            if column is not None and column.name not in scene.plan.indicators:
                words = f"{1 - table.matched:.0%} of the rows have no row in {table.file}; that may itself tell."
                yield Choice((column.name,), 0.004, words)


def _sharers(scene: Scene) -> Iterable[Choice]:
    """Keys of several rows: how many rows share one."""
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
    """A joined number against its mean over the rows of another key: of one place among its hours, say."""
    parts = {left for table in scene.profile.tables for left, _ in table.keys}
    groups = [c.name for c in scene.categories if c.name in parts and c.cardinality <= scene.profile.rows / 5]
    names = {c.name for table in scene.profile.tables if table.prefix in scene.plan.joins for c in table.columns}
    told = [c for c in scene.continuous if c.name in names][:3]
    for group in groups[:2]:
        for column in told:
            if (group, column.name) not in scene.plan.group_means:
                words = f"{column.name} comes from a side table; how it lies against its mean by {group} is not seen."
                yield Choice((group, column.name), 0.004, words)


def _leave(plan: Plan, subject: Subject) -> Plan:
    """Without a table, and without what is made of its columns."""
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
