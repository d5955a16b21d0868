"""The expert as Writer: composes the script of a proposal."""

from gome.agents.backends.expert.avoiding import permitted
from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.code.cost import aim, script_seconds
from gome.agents.backends.expert.first_solution import patient, starting_plan
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves.catalogue import apply_hypothesis
from gome.agents.backends.expert.plan import Plan, read_plan
from gome.agents.backends.expert.situation import Scene
from gome.agents.protocol.replies import Script
from gome.agents.protocol.script_requests import WriteSolution

__all__ = ["changes", "write"]

_DETAILS: dict[str, tuple[float, ...]] = {
    "iterations": (20, 50, 100, 200, 400),
    "learning_rate": (0.01, 0.05, 0.1, 0.3, 0.6),
    "leaves": (4, 8, 31, 128),
    "min_leaf": (2, 20, 200),
    "l2": (0.0, 1.0, 100.0),
    "column_share": (0.25, 0.5, 1.0),
    "trees": (10, 50, 100),
    "tree_leaf": (1, 2, 20, 100),
    "tree_columns": (0.1, 0.5, 1.0),
    "penalty": (0.01, 1.0, 100.0),
}
_FEWEST = {"iterations": 50, "trees": 30, "epochs": 5}
"""Lower limits when a first solution is shortened to fit the time."""


def write(request: WriteSolution, judgement: Judgement) -> Script:
    """Compose the script for the base's plan with the proposal's change; without a base, the first solution."""
    plan, notes = _base(request)
    before = plan
    for hypothesis in request.hypotheses:
        scene = Scene(request.task, request.profile, plan, workplace=request.workplace)
        plan, note = apply_hypothesis(plan, hypothesis, scene)
        if note:
            notes.append(note)
    plan = permitted(request.task, request.profile, plan, request.avoid)
    if request.base is None:
        plan = _within_time(request, patient(request.profile, plan))
    plan = _detailed(before, plan, judgement, first=request.base is None)
    script = compose(request.task, request.profile, plan)
    notes.append(first_choices(before, plan) if request.base is None else changes(before, plan))
    return Script(script=script, notes=" ".join(notes))


def _base(request: WriteSolution) -> tuple[Plan, list[str]]:
    if request.base is None:
        return starting_plan(request.task, request.profile), []
    plan = read_plan(request.base)
    if plan is not None:
        return plan, []
    words = "The base names no plan; it is written anew from one that fits what it imports."
    return starting_plan(request.task, request.profile, request.base), [words]


def _within_time(request: WriteSolution, plan: Plan) -> Plan:
    """Shorten a first solution until it takes at most 60 % of the time a script should take, if possible."""
    scene = Scene(request.task, request.profile, plan, workplace=request.workplace)
    while script_seconds(scene, plan) > 0.6 * aim(scene):
        fewer = {name: max(least, getattr(plan, name) * 3 // 4) for name, least in _FEWEST.items()}
        shorter = plan.model_copy(update={name: fewer[name] for name in fewer if fewer[name] < getattr(plan, name)})
        if shorter == plan:
            break
        plan = shorter
    return plan


def _detailed(before: Plan, plan: Plan, judgement: Judgement, first: bool) -> Plan:
    """The plan, with the details at which judgement failed set at random.

    A first solution decides all details, a later one those that its change affects; a later one may also, where
    judgement fails, get one other detail wrong.
    """
    names = [name for name in _DETAILS if first or getattr(plan, name) != getattr(before, name)]
    slips = [] if first or not judgement.fails() else [judgement.rng.choice(sorted(_DETAILS))]
    wrong = [name for name in names if judgement.fails()] + slips
    return plan.model_copy(update={name: judgement.rng.choice(_DETAILS[name]) for name in wrong})


def changes(before: Plan, after: Plan) -> str:
    """One sentence that lists the changes between two plans."""
    parts = [
        f"{name} {_short(old)} → {_short(new)}"
        for (name, old), (_, new) in zip(before, after, strict=True)
        if old != new
    ]
    return f"Changed: {'; '.join(parts)}." if parts else "Nothing was changed."


def first_choices(plain: Plan, plan: Plan) -> str:
    """One sentence on a first solution, which changes nothing that there was: where it is not the plain plan."""
    parts = [f"{name} {_short(new)}" for (name, old), (_, new) in zip(plain, plan, strict=True) if old != new]
    return f"First solution, set otherwise than the plain one: {'; '.join(parts)}." if parts else "The plain solution."


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
