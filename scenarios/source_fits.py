"""Signs in a script's text that something learned from rows that it is validated on: fits before a loop over splits.

Every loop over splits counts, also one after another that only collected the splits. What a fit gave is followed
through assignments; a fit within a loop or for each split is left to the examination.
"""

import ast
from collections.abc import Iterator, Sequence

from scenarios.evidence import LeakNote, TaskBrief
from scenarios.source_tree import mild, name_of, severe

__all__ = ["find_fits"]

_FITS = ("fit", "fit_transform", "fit_predict", "partial_fit")
_CODES = (
    "LabelEncoder",
    "OrdinalEncoder",
    "OneHotEncoder",
    "LabelBinarizer",
    "MultiLabelBinarizer",
    "HashingVectorizer",
)
"""They number what there is and learn nothing of it."""
_CHOOSERS = ("SearchCV", "Select", "RFE", "VarianceThreshold", "CV")
_COPIES = ("clone", "deepcopy")
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
_TARGETS = ("target", "tgt", "y")


def find_fits(tree: ast.Module, brief: TaskBrief) -> Iterator[LeakNote]:
    """What is fitted on all rows and used in splits; in a split by time, who trains on rows after validation."""
    makers = _makers(tree)
    for scope in ast.walk(tree):
        if isinstance(scope, ast.Module | ast.FunctionDef):
            yield from _fits_before_splits(list(_statements(scope.body)), makers, brief)
    yield from _later_rows(tree, brief)


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in their order, those of `if`, `with` and `try` too, without what functions and classes hold."""
    for statement in body:
        if isinstance(statement, ast.If | ast.With | ast.Try):
            for name in ("body", "handlers", "orelse", "finalbody"):
                for each in getattr(statement, name, ()):
                    yield from _statements(each.body if isinstance(each, ast.ExceptHandler) else [each])
        elif not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement


def _fits_before_splits(statements: list[ast.stmt], makers: dict[str, str], brief: TaskBrief) -> Iterator[LeakNote]:
    for place, loop in enumerate(statements):
        if not isinstance(loop, ast.For) or not _over_splits(loop.target, loop.iter):
            continue
        before = statements[:place]
        used = _used_in(loop)
        for number, statement in enumerate(before):
            if not (isinstance(statement, ast.For) and _over_splits(statement.target, statement.iter)):
                touched = _handed_on(statement, before[number + 1 :]) & used
                yield from _fitted_early(statement, touched, used, makers, brief)


def _over_splits(*parts: ast.AST) -> bool:
    names = [each for part in parts for each in ast.walk(part)]
    words = [each.id for each in names if isinstance(each, ast.Name)]
    words += [str(each.value) for each in names if isinstance(each, ast.Constant)]
    return any("split" in word.lower() or "fold" in word.lower() for word in words)


def _used_in(loop: ast.For) -> set[str]:
    """Names that a loop reads before it sets them, but for models that it only copies or fits anew."""
    calls = [node for node in ast.walk(loop) if isinstance(node, ast.Call)]
    harmless = {id(argument) for call in calls if name_of(call.func) in _COPIES for argument in call.args}
    fits = [call.func for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in _FITS[:3]]
    known = {name_of(fit.value) for fit in fits}
    known |= {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    used = {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)}
    for statement in _statements(loop.body):
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and id(node) not in harmless]
        used |= {node.id for node in names if isinstance(node.ctx, ast.Load)} - known
        known |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return used


def _handed_on(statement: ast.stmt, later: Sequence[ast.stmt]) -> set[str]:
    """Names that hold something of what a statement made, down to the loop."""
    names = _made(statement)
    for each in later:
        if isinstance(each, ast.Assign | ast.AugAssign | ast.AnnAssign) and each.value is not None:
            read = {node.id for node in ast.walk(each.value) if isinstance(node, ast.Name)}
            names |= _made(each) if read & names else set()
    return names


def _made(statement: ast.stmt) -> set[str]:
    """Names that a statement sets, or a column or field of which it sets."""
    targets = [node for node in ast.walk(statement) if isinstance(getattr(node, "ctx", None), ast.Store)]
    return {name for target in targets if (name := _base(target))}


def _base(node: ast.AST) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _fitted_early(
    statement: ast.stmt, touched: set[str], used: set[str], makers: dict[str, str], brief: TaskBrief
) -> Iterator[LeakNote]:
    repeated = {id(each) for node in ast.walk(statement) if isinstance(node, _LOOPS) for each in ast.walk(node)}
    for call in ast.walk(statement):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr == "groupby" and touched and _of_target(statement, brief):
            yield mild("target-statistics", call, "computes statistics of the target over all rows before the splits")
        if call.func.attr not in _FITS or id(call) in repeated:
            continue
        owner = name_of(call.func.value)
        maker = name_of(call.func.value.func) if isinstance(call.func.value, ast.Call) else makers.get(owner, "")
        if maker not in _CODES and (owner in used or touched):
            yield _early_fit(call, owner or maker, maker)


def _early_fit(call: ast.Call, owner: str, maker: str) -> LeakNote:
    supervised = len(call.args) + sum(word.arg == "y" for word in call.keywords) > 1
    where = "before the splits are gone through and used in them: its validation rows were seen"
    if not supervised:
        return mild("fit-before-split", call, f"fits {owner or 'a transformer'} on all rows {where}")
    words = f"fits {owner or 'a model'} on the target {where}"
    chooses = maker.startswith(_CHOOSERS) or maker.endswith(_CHOOSERS)
    return mild("fit-before-split", call, words) if chooses else severe("fit-before-split", call, words)


def _makers(tree: ast.AST) -> dict[str, str]:
    """Name → what was called to make it, for names that are given the result of a call."""
    return {
        target.id: name_of(node.value.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _of_target(statement: ast.stmt, brief: TaskBrief) -> bool:
    """Whether a grouping takes the target: `….groupby(…)[TARGET]`."""
    for node in ast.walk(statement):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Call)
            and name_of(node.value.func) == "groupby"
        ):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else name_of(node.slice)
            if key in brief.targets or str(key).lower() in _TARGETS:
                return True
    return False


def _later_rows(tree: ast.AST, brief: TaskBrief) -> Iterator[LeakNote]:
    """In a split by time the rows after validation are `unused`: who only knows `valid` and others trains on them."""
    if brief.split.kind != "time":
        return
    words = {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    if "folds.csv" not in words or {"train", "unused"} & words or any("role == 'train'" in word for word in words):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(
            isinstance(each, ast.Constant) and each.value == "valid" for each in node.comparators
        ):
            words_of_note = "never asks for the role `train`: rows that are later than validation are trained on"
            yield severe("later-rows", node, words_of_note)
            return
