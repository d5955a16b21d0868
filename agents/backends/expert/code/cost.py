"""Estimate roughly how long one run of a plan's script takes, so that steps stay small.

A run fits on the training rows of one split; a trial has one run per split.
"""

import math
from collections.abc import Callable

from gome.agents.backends.expert.code.features import kept_columns
from gome.agents.backends.expert.code.wide import picture_numbers, picture_size
from gome.agents.backends.expert.columns import curve_of
from gome.agents.backends.expert.plan import SCALED, Family, Plan
from gome.agents.backends.expert.situation import Scene
from gome.scenarios.evidence import SplitRule

__all__ = ["affordable", "aim", "longest", "script_seconds", "timed"]

_START = 0.5
_TORCH = 1.5  # its first optimizer imports a compiler
_SHARE_OF_ROUNDS = 0.25  # of the rounds that boosting may take, about as many are used where it stops by itself
_INNER_FITS = 2.0  # three inner fits on two thirds of the rows
_SHARE_OF_LIMIT = 0.05
_COST_OF_A_PIXEL = 0.15  # relative to a column: many pixels are background in all images, and cost little
_STEPS_BESIDE_COLUMNS = 5e-7  # words with columns need many steps over all rows, words alone only a few
_ROWS_OF_A_VALUE, _MOST_VALUES = 10, 100  # the settings of the encoder in their scripts


def aim(scene: Scene) -> float:
    """Target time of a run in seconds: a small share of its limit, so that many steps fit into the budget."""
    return scene.workplace.full_seconds * _SHARE_OF_LIMIT if scene.workplace else 20.0


def script_seconds(scene: Scene, plan: Plan) -> float:
    """Estimated seconds of one run, corrected by the measured time of the current script."""
    return timed(scene)(plan)


def timed(scene: Scene) -> Callable[[Plan], float]:
    """`script_seconds` of many plans in one scene: its current script is estimated once for all of them."""
    correction = 1.0
    if scene.seconds > 0:
        correction = min(1.5, max(0.5, scene.seconds / _estimate(scene, scene.plan)))
    return lambda plan: _estimate(scene, plan) * correction


def affordable(scene: Scene, plan: Plan) -> bool:
    """Whether a plan stays within the target time, or is at least no slower than the current one."""
    seconds_of = timed(scene)
    return seconds_of(plan) <= longest(scene, seconds_of)


def longest(scene: Scene, seconds_of: Callable[[Plan], float]) -> float:
    """The most seconds of an affordable plan."""
    return max(aim(scene), seconds_of(scene.plan))


def _estimate(scene: Scene, plan: Plan) -> float:
    task = scene.task
    rows = task.train_rows * _share_learnt_from(task.split)
    columns = _columns(scene, plan)
    widened = columns + _widening(scene, plan)
    classes = len(task.classes) if task.task_type == "multiclass" and plan.decide != "cuts" else 1
    threads = scene.workplace.threads if scene.workplace else 1
    widths = {family: widened if family in SCALED or plan.encoding == "onehot" else columns for family in plan.models}
    one = sum(_family_seconds(family, scene, plan, rows, widths[family], classes) for family in plan.models)
    stopping = 0.0
    if plan.early_stopping and "boosting" in plan.models:
        stopping = _family_seconds("boosting", scene, plan, rows, widths["boosting"], classes)
    fits = plan.bags * (1 + _INNER_FITS * plan.inner)
    fitting = (fits * one + stopping) * len(task.targets) / threads**0.7
    return float(_START + _TORCH * ("network" in plan.models) + _reading_seconds(scene, plan) + fitting)


def _share_learnt_from(rule: SplitRule) -> float:
    """Average share of the rows in a split's training part; with splits by time it grows from split to split."""
    if rule.kind == "own":
        return 1.8  # one fit on all rows, and one on four fifths, which is scored on the rest
    if rule.kind == "holdout" or rule.folds < 2:
        return 0.8
    return (rule.folds + 2) / (2 * rule.folds + 2) if rule.kind == "time" else 1 - 1 / rule.folds


def _reading_seconds(scene: Scene, plan: Plan) -> float:
    """Seconds for counting words and opening images, once for all rows."""
    rows = scene.task.train_rows + scene.task.test_rows
    kinds = 1 + 2.2 * plan.word_pairs + 20 * plan.characters
    pictures = 0.0 if plan.images == "none" else 2e-4 + (5e-4 if plan.straight else 0.0)
    return rows * (_words(scene, plan) * kinds * 6e-7 + pictures)


def _words(scene: Scene, plan: Plan) -> float:
    return sum(column.words or 0.0 for column in scene.profile.columns if column.name in plan.texts)


def _family_seconds(family: Family, scene: Scene, plan: Plan, rows: float, columns: int, classes: int) -> float:
    """Seconds of one fit, including the family's preprocessing of texts and images."""
    if family in ("linear", "margin", "bayes") and plan.texts:
        kinds = 1 + 2 * plan.word_pairs + 4 * plan.characters
        if family == "linear" and not scene.regression and kept_columns(scene.known, plan):
            return 0.05 + rows * (_words(scene, plan) * kinds + columns) * _STEPS_BESIDE_COLUMNS * classes
        return 0.05 + rows * _words(scene, plan) * kinds * {"linear": 3e-8, "margin": 3e-8}.get(family, 2e-9) * classes
    if family == "network" and plan.images != "none" and scene.profile.images is not None:
        height, width = picture_size(scene.profile.images)
        return plan.epochs * rows * height * width * 4.5e-7
    if plan.texts:
        columns += plan.topics
        topics = rows * _words(scene, plan) * plan.topics * 4e-9
        return topics + _fit_seconds(family, plan, rows, columns, classes)
    if plan.images != "none" and scene.profile.images is not None:
        columns += round(picture_numbers(scene.profile.images, plan) * _COST_OF_A_PIXEL)
    if family == "linear":
        return 0.02 + rows * columns * (2e-8 if scene.regression else 2e-7 * classes)
    return _fit_seconds(family, plan, rows, columns, classes)


def _columns(scene: Scene, plan: Plan) -> int:
    made = len(plan.crosses) + len(plan.arithmetic) + len(plan.group_means) + len(plan.rolling) + len(plan.lags)
    if plan.curve != "none":
        made += 400 if plan.curve == "kernels" else 2 * len(curve_of(scene.profile))
    made += 2 * len(plan.cyclic) + 5 * len(plan.dates) + 30 * len(plan.words)
    made += len(plan.counts) + len(plan.bins) + len(plan.indicators)
    return max(1, len(scene.usable) - len(plan.drop) + made)


def _widening(scene: Scene, plan: Plan) -> int:
    """Number of additional columns if each frequent value of a category gets its own column."""
    kept = [c for c in scene.usable if c.dtype in ("category", "boolean")]
    often = max(1, scene.profile.rows // _ROWS_OF_A_VALUE)
    return sum(
        min(c.cardinality, often, _MOST_VALUES) - 1
        for c in kept
        if c.name not in plan.drop and c.name not in plan.target_means
    )


def _fit_seconds(family: Family, plan: Plan, rows: float, columns: int, classes: int) -> float:
    """Seconds of one fit and its predictions, on one thread of a current machine."""
    if family == "boosting":
        rounds = plan.iterations * (_SHARE_OF_ROUNDS if plan.early_stopping else 1.0) * classes
        return rounds * (plan.leaves * 5e-5 + rows * columns * plan.column_share * 1e-8 + rows * 1e-7)
    if family in ("extra_trees", "random_forest"):
        grown = rows * math.log2(max(2.0, rows / plan.tree_leaf)) * columns * plan.tree_columns
        return plan.trees * grown * (1.6e-8 if family == "extra_trees" else 3e-8) * math.sqrt(classes)
    if family == "margin":
        return 0.1 + rows * rows * columns * 1.5e-9 * math.sqrt(classes)
    if family == "neighbours":
        return 0.1 + rows * rows * columns * 2e-9
    return plan.epochs * rows / 256 * (1.2e-3 + columns * 3e-6)
