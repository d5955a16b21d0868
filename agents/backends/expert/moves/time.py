"""Moves on time: days between dates; where the test is later, recurring days, lagged targets and a drifting level.

A feature made of the target uses training rows alone, and only targets as old as those that are known for test rows.
This also holds where the validation rows of an early split and the much later test rows are predicted together.
"""

from collections.abc import Iterable

from gome.agents.backends.expert.columns import usable
from gome.agents.backends.expert.moves.captions import AGES, DRIFT, MOMENTS, TIME
from gome.agents.backends.expert.moves.move import Choice, Move, Subject, change, extend
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.situation import Scene
from gome.scenarios.evidence import ColumnProfile

__all__ = ["MOVES"]

_ORDERED = ("integer", "float", "datetime")
_GAIN_AT_ROOT = 0.12
"""More than leaving the date out, which a course includes; its script judges by the newest rows whether it has one."""


def _forecast(scene: Scene) -> ColumnProfile | None:
    """The date column by which the test lies after training; None where the split is not by time."""
    if scene.task.split.kind != "time":
        return None
    dates = (column for column in scene.known.columns if column.dtype == "datetime" and usable(column))
    return next((column for column in dates if column.name == scene.task.split.column), None)


def _daily(scene: Scene) -> ColumnProfile | None:
    """The date column if there is about one row per day, over at least two years; else None."""
    date = _forecast(scene)
    if date is None or not scene.regression or date.cardinality < 730:
        return None
    return date if scene.profile.rows < 1.5 * date.cardinality else None


def _holidays(scene: Scene) -> Iterable[Choice]:
    date = _daily(scene)
    if date is not None and date.name not in scene.plan.holidays:
        years = date.cardinality / 365
        words = (
            f"{years:.0f} years of days by {date.name}: feasts come again on their day, or their weekday, of the year."
        )
        yield Choice((date.name,), 0.05, words)


def _echoes(scene: Scene) -> Iterable[Choice]:
    date = _daily(scene)
    if date is not None and date.name not in scene.plan.echoes and len(scene.task.targets) == 1:
        words = f"The test reaches far beyond training by {date.name}: of it only what lay as long before is known."
        yield Choice((date.name,), 0.01, words)


def _latest(scene: Scene) -> Iterable[Choice]:
    date = _forecast(scene)
    if date is not None and scene.evaluation is not None and scene.plan.latest > 0.3:
        folds = scene.evaluation.folds
        words = f"Test rows follow the last of {scene.profile.rows} rows; the first may be of another world"
        words += f" (splits in order: {', '.join(f'{each:.3g}' for each in folds)})." if folds else "."
        yield Choice((), 0.01, words)


def _all_rows(scene: Scene) -> Iterable[Choice]:
    if scene.plan.latest < 1.0:
        yield Choice((), 0.002, f"Only the newest {scene.plan.latest:.0%} of the rows are learnt from.")


def _levels(scene: Scene) -> Iterable[Choice]:
    """Columns on the target's scale: probably its past values or a closely related quantity."""
    target = scene.target
    if not scene.regression or target is None or scene.plan.level:
        return
    if scene.plan.target != "identity" or len(scene.task.targets) > 1 or target.mean is None:
        return
    for column in scene.continuous[:8]:
        if column.missing or column.mean is None or None in (target.minimum, target.maximum):
            continue
        width = (target.maximum or 0.0) - (target.minimum or 0.0)
        far = abs(column.mean - target.mean) + abs((column.maximum or 0.0) - (target.maximum or 0.0))
        if width > 0 and far < 0.1 * width:
            words = f"{column.name} has the target's range (mean {column.mean:.3g} against {target.mean:.3g})."
            gain = 0.03 if scene.task.split.kind == "time" else 0.008
            yield Choice((column.name,), gain, f"{words} Trees do not follow a level beyond what they have seen.")


def _no_level(scene: Scene) -> Iterable[Choice]:
    if scene.plan.level:
        yield Choice((), 0.002, f"What lies between the target and {scene.plan.level} is noise of both.")


def _no_date(scene: Scene) -> Iterable[Choice]:
    date = _forecast(scene)
    seasonal = bool(scene.plan.dates) or scene.evaluation is None
    if date is not None and date.name not in scene.plan.drop and seasonal and not scene.plan.echoes:
        words = (
            f"Every test row's {date.name} is later than all that trees have cut: for them it is the last day again."
        )
        yield Choice((date.name,), 0.1 if scene.evaluation is None else 0.006, words)


def _line(scene: Scene) -> Iterable[Choice]:
    """The column by which the test is later, where the target may grow along it."""
    column = next((c for c in scene.known.columns if c.name == scene.task.split.column and usable(c)), None)
    if scene.task.split.kind != "time" or column is None or column.missing or column.dtype not in _ORDERED:
        return
    if scene.regression and len(scene.task.targets) == 1 and not scene.plan.trend and not scene.plan.level:
        words = f"Every test row's {column.name} is beyond those of training, where the target may have grown further."
        yield Choice((column.name,), _GAIN_AT_ROOT if scene.evaluation is None else 0.04, words)


def _no_line(scene: Scene) -> Iterable[Choice]:
    if scene.plan.trend:
        yield Choice((), 0.002, f"A course along {scene.plan.trend} goes on forever.")


def _ages(scene: Scene) -> Iterable[Choice]:
    """The date of a split by time, else that with the fewest gaps, beside the other dates."""
    if len(scene.dates) < 2:
        return
    when = min(scene.dates, key=lambda column: (column.name != scene.task.split.column, column.missing))
    others = [column.name for column in scene.dates if column is not when]
    read = {other for one, operation, other in scene.plan.arithmetic if operation == "minus" and one == when.name}
    if names := tuple(name for name in others if name not in read):
        words = f"{', '.join(names)} and {when.name} are dates: what lies between them has no day of its own."
        yield Choice((when.name, *names), 0.1, words)


def _between(plan: Plan, subject: Subject) -> Plan:
    """The plan with the days from each other date to the first, instead of those dates as growing numbers."""
    if len(subject) < 2:
        return plan
    when, *others = subject
    made = [(when, "minus", name) for name in others if (when, "minus", name) not in plan.arithmetic]
    dropped = [name for name in others if name not in plan.drop]
    return plan.model_copy(update={"arithmetic": (*plan.arithmetic, *made), "drop": (*plan.drop, *dropped)})


def _relative(plan: Plan, subject: Subject) -> Plan:
    loss = plan.loss if plan.loss == "absolute_error" else "squared_error"
    return plan.model_copy(update={"level": subject[0], "target": "identity", "loss": loss}) if subject else plan


MOVES = (
    Move(
        "FeatureEng",
        "ages",
        "add",
        AGES,
        "The days between the first of {subject} and the others say more than the others' own days.",
        _ages,
        _between,
        safety=8,
        at_root=True,
    ),
    Move(
        "FeatureEng",
        "same_day",
        "add",
        MOMENTS,
        "The mean target of the same day of the year, and of the same weekday of its month, shows feasts of {subject}.",
        _holidays,
        extend("holidays"),
        safety=7,
    ),
    Move(
        "FeatureEng",
        "echo",
        "add",
        TIME,
        "The target as it was by {subject} whole weeks before, as long ago as the test is long, carries its season.",
        _echoes,
        extend("echoes"),
        safety=5,
    ),
    Move(
        "DataLoadSpec",
        "latest",
        "half",
        DRIFT,
        "The newer half of the training rows is more like the test than all of them.",
        _latest,
        lambda plan, _: plan.model_copy(update={"latest": plan.latest / 2}),
        safety=6,
    ),
    Move(
        "DataLoadSpec",
        "latest",
        "all",
        DRIFT,
        "All training rows tell more than the newest.",
        _all_rows,
        change(latest=1.0),
        safety=6,
    ),
    Move(
        "Workflow",
        "level",
        "relative",
        DRIFT,
        "Predicting how far the target lies from {subject} lets the prediction move where its level moves.",
        _levels,
        _relative,
        safety=6,
    ),
    Move(
        "Workflow",
        "level",
        "own",
        DRIFT,
        "Predicting the target itself keeps the noise of another column out.",
        _no_level,
        change(level=""),
        safety=6,
    ),
    Move(
        "DataLoadSpec",
        "trend",
        "drop",
        DRIFT,
        "Without the number of days in {subject} no tree can hold on to an age that the test has left behind.",
        _no_date,
        extend("drop"),
        safety=6,
        at_root=True,
    ),
    Move(
        "Workflow",
        "trend",
        "line",
        DRIFT,
        "A line and a yearly wave along {subject}, where they foretell the newest rows, go on where trees stay.",
        _line,
        lambda plan, subject: plan.model_copy(update={"trend": subject[0], "level": ""}) if subject else plan,
        safety=7,
        at_root=True,
    ),
    Move(
        "Workflow",
        "trend",
        "none",
        DRIFT,
        "What the target did over the training rows need not go on in the test.",
        _no_line,
        change(trend=""),
        safety=6,
    ),
)
