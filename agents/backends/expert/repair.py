"""The expert as Writer of repairs: composes a script that avoids the failure, and never repeats a failed script."""

import re
from collections.abc import Iterable, Iterator

from gome.agents.backends.expert.avoiding import imported, permitted
from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.code.cost import script_seconds
from gome.agents.backends.expert.first_solution import starting_plan
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves.catalogue import apply_hypothesis
from gome.agents.backends.expert.plan import SIZES, Family, Plan, read_plan
from gome.agents.backends.expert.situation import Scene
from gome.agents.backends.expert.writing import changes
from gome.agents.protocol.replies import Script
from gome.agents.protocol.script_requests import RepairSolution

__all__ = ["repair"]

_SLOW = frozenset({"timeout", "cpu", "stalled", "projected-over-limit"})
_LARGE = frozenset({"memory", "disk", "output", "files", "processes"})

# from the most fragile model to the most robust one
_PLAINER: tuple[Family, ...] = (
    "network", "boosting", "extra_trees", "random_forest", "margin", "neighbours", "bayes", "linear",
)  # fmt: skip
_NO_GAPS = re.compile(r"contains NaN|does not accept missing values")
_TAKES_NO_GAPS: Family = "margin"

# pattern in a traceback → the fields of the plan that produce that code
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("target_means|TargetEncoder", ("target_means", "holidays")),
    ("best_cuts|class_weights|decide", ("decide",)),
    ("sharpen|IsotonicRegression|isotonic", ("calibrate",)),
    ("nnls|stack|RidgeCV|out_of_fold|GroupKFold", ("combine", "calibrate", "decide")),
    ("monotonic", ("monotonic",)),
    ("sort_values|rolling|shift", ("rolling", "lags")),
    ("groupby|transform", ("group_means",)),
    ("qcut", ("bins",)),
    ("to_datetime|moment", ("dates",)),
    ("value_counts", ("counts", "rare")),
    ("log1p|expm1", ("target", "logs")),
    ("OneHotEncoder|OrdinalEncoder|one_hot|codes", ("encoding",)),
    ("early_stopping|validation|X_val", ("early_stopping",)),
    ("poisson|gamma|loss", ("loss",)),
    ("looked_up|word_counts|CountVectorizer|TfidfTransformer|TruncatedSVD", ("texts", "word_pairs", "characters")),
    ("pictures|Image|gradients|straight", ("images", "straight", "shifts")),
    ("summary_of|row_of_table|keys_of", ("joins",)),
    ("Echo", ("echoes",)),
    ("LEVEL", ("level",)),
    ("rng.choice|fit_models", ("bag_rows", "bags")),
    ("find_rounds", ("early_stopping",)),
)


def repair(request: RepairSolution, judgement: Judgement) -> Script:
    """A script that differs from the failed one: simpler or cheaper, depending on the failure."""
    plan = read_plan(request.script)
    if plan is None:
        fresh = starting_plan(request.task, request.profile, request.script)
        for hypothesis in request.hypotheses:
            scene = Scene(request.task, request.profile, fresh, workplace=request.workplace)
            fresh, _ = apply_hypothesis(fresh, hypothesis, scene)
        fresh = permitted(request.task, request.profile, fresh, request.avoid)
        words = f"The failed script names no plan; written anew ({_cause(request)})."
        return Script(script=compose(request.task, request.profile, fresh), notes=words)
    scene = Scene(request.task, request.profile, plan, workplace=request.workplace)
    options = [each for each in _remedies(request, plan) if _rank(scene, each) < _rank(scene, plan)]
    if request.avoid:
        options = [each for each in options if not _imports(request, each)] or options
    mended = judgement.rank(options)[0]
    script = compose(request.task, request.profile, mended)
    return Script(script=script, notes=f"{_cause(request)}. {changes(plan, mended)}")


def _imports(request: RepairSolution, plan: Plan) -> bool:
    """Whether the user asks to avoid what the plan's script imports."""
    return bool(imported(request.task, request.profile, plan, request.avoid))


def _rank(scene: Scene, plan: Plan) -> tuple[int, int, float, float]:
    """A rank that every repair lowers, so that no script is repeated: simpler models, fewer parts, less time."""
    parts = sum(
        (len(value) if isinstance(value, tuple) else 1)
        for name, value in plan
        if name not in {*SIZES, "models", "encoding"} and value != Plan.model_fields[name].default
    )
    plainest = min(_PLAINER.index(family) for family in plan.models)
    return -plainest, parts + len(plan.models), round(script_seconds(scene, plan), 6), -plan.penalty


def _cause(request: RepairSolution) -> str:
    return f"{request.phase} run ended with {request.cause}: {request.words}".rstrip(".")


def _remedies(request: RepairSolution, plan: Plan) -> Iterator[Plan]:
    """Plans in the order in which to try them; the last is always simpler than the failed one."""
    if request.cause in _SLOW or request.cause in _LARGE:
        yield from _cheaper(request, plan)
    elif request.cause == "refused" and _imports(request, plan):
        yield permitted(request.task, request.profile, plan, request.avoid)
    elif request.cause == "refused":
        yield from _without_modules(request, plan)
    elif request.cause == "not-a-number":
        yield from _safer(plan)
    else:
        yield from _without_named(request, plan)
    yield from _plainer(request, plan)


def _cheaper(request: RepairSolution, plan: Plan) -> Iterable[Plan]:
    """All cheaper plans: first those that save at least 40 % of the time, in the order of `_savings`, then the rest."""
    scene = Scene(request.task, request.profile, plan, workplace=request.workplace)
    now = script_seconds(scene, plan)
    options = [plan.model_copy(update=update) for update in _savings(plan)]
    enough = [option for option in options if script_seconds(scene, option) < 0.6 * now]
    some = [option for option in options if option not in enough and script_seconds(scene, option) < now]
    return [*enough, *sorted(some, key=lambda option: script_seconds(scene, option))]


def _savings(plan: Plan) -> Iterator[dict[str, object]]:
    if plan.bags > 1:
        yield {"bags": 1, "bag_rows": False}
    if plan.inner and plan.decide != "cuts":
        yield {"combine": "mean", "calibrate": "none", "decide": "argmax"}
    if plan.characters or plan.word_pairs:
        yield {"characters": False, "word_pairs": False}
    for slow in ("neighbours", "margin", "network", "random_forest", "extra_trees"):
        rest = tuple(family for family in plan.models if family != slow)
        if slow in plan.models and rest:
            yield {"models": rest}
    if plan.iterations > 40:
        yield {"iterations": plan.iterations // 2, "learning_rate": round(min(0.3, plan.learning_rate * 1.5), 6)}
    if plan.trees > 20:
        yield {"trees": plan.trees // 2, "tree_leaf": plan.tree_leaf * 2}
    if plan.encoding == "onehot":
        yield {"encoding": "ordinal"}
    if plan.epochs > 5:
        yield {"epochs": plan.epochs // 2}
    if plan.leaves > 15:
        yield {"leaves": plan.leaves // 2, "iterations": max(20, plan.iterations // 2)}


def _without_modules(request: RepairSolution, plan: Plan) -> Iterator[Plan]:
    """The plan without the families that need a module that cannot be imported."""
    if "torch" in f"{request.words} {request.output}":
        rest = tuple(family for family in plan.models if family != "network") or ("boosting",)
        yield plan.model_copy(update={"models": rest})


def _safer(plan: Plan) -> Iterator[Plan]:
    if "network" in plan.models:
        rest = tuple(family for family in plan.models if family != "network") or ("boosting",)
        yield plan.model_copy(update={"models": rest})
    if plan.loss != "squared_error":
        yield plan.model_copy(update={"loss": "squared_error"})
    ratios = tuple(each for each in plan.arithmetic if each[1] != "per")
    yield plan.model_copy(update={"arithmetic": ratios, "logs": ()})
    yield plan.model_copy(update={"target": "identity"})


def _without_named(request: RepairSolution, plan: Plan) -> Iterator[Plan]:
    """The plan without a part that the traceback names, the innermost part first."""
    trace = request.output[request.output.rfind("Traceback") :] if "Traceback" in request.output else request.output
    text = f"{trace}\n{request.words}"
    if _NO_GAPS.search(text):
        yield from _filled(plan)
    blamed = []
    for pattern, fields in _PARTS:
        places = [found.start() for found in re.finditer(pattern, text)]
        if places:
            blamed.append((places[-1], fields))
    for _, fields in sorted(blamed, reverse=True):
        for name in fields:
            yield plan.model_copy(update={name: Plan.model_fields[name].default})
    for family in plan.models[1:]:
        if re.search(rf"\b{family}\b", text):
            yield plan.model_copy(update={"models": tuple(each for each in plan.models if each != family)})


def _filled(plan: Plan) -> Iterator[Plan]:
    """For missing values in a margin model: replace it by the linear model, whose script imputes; else remove it."""
    if _TAKES_NO_GAPS in plan.models:
        related = ("linear" if family == _TAKES_NO_GAPS else family for family in plan.models)
        yield plan.model_copy(update={"models": tuple(dict.fromkeys(related))})
        rest = tuple(family for family in plan.models if family != _TAKES_NO_GAPS)
        yield plan.model_copy(update={"models": rest or ("linear",)})


def _plainer(request: RepairSolution, plan: Plan) -> Iterator[Plan]:
    """The starting plan with the first family; then simpler families; at last linear models with a higher penalty."""
    start = starting_plan(request.task, request.profile)
    yield start.model_copy(update={"models": plan.models[:1], "target": plan.target})
    yield start.model_copy(update={"models": plan.models[:1]})
    slow = request.cause in _SLOW or request.cause in _LARGE
    for family in _PLAINER[-1:] if slow else _PLAINER[1:]:
        yield start.model_copy(update={"models": (family,), "encoding": "ordinal"})
    yield start.model_copy(update={"models": ("linear",), "encoding": "ordinal", "penalty": plan.penalty * 10})
    yield plan.model_copy(update={"models": ("linear",), "penalty": plan.penalty * 10})
