"""What the user asks to avoid by the name of a library, module or class, as families and parts of plans."""

from collections.abc import Sequence

from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.moves.family import FAMILY_WORDS, without
from gome.agents.backends.expert.plan import Family, Plan
from gome.executors.precheck import avoided_imports
from gome.scenarios.evidence import Profile, TaskBrief

__all__ = ["barred", "imported", "left_out", "permitted"]


def imported(task: TaskBrief, profile: Profile, plan: Plan, avoid: Sequence[str]) -> frozenset[str]:
    """What of `avoid` the script of a plan imports, so that it would be refused."""
    return frozenset(avoided_imports(compose(task, profile, plan), avoid)) if avoid else frozenset()


def barred(task: TaskBrief, profile: Profile, plan: Plan, avoid: Sequence[str]) -> frozenset[Family]:
    """The families that cannot be had without what is to be avoided; what all of them import is no family's."""
    if not avoid:
        return frozenset()
    alone: dict[str, object] = {"combine": "mean"}
    found = {
        family: imported(task, profile, plan.model_copy(update=alone | {"models": (family,)}), avoid)
        for family in FAMILY_WORDS
    }
    shared = frozenset.intersection(*found.values())
    return frozenset(family for family, words in found.items() if words - shared)


def left_out(task: TaskBrief, profile: Profile, plan: Plan, avoid: Sequence[str]) -> tuple[str, ...]:
    """The families and settings without which a plan's script is no longer refused.

    Empty where it is not refused, and where nothing helps.
    """
    if not imported(task, profile, plan, avoid):
        return ()
    families = tuple(family for family in FAMILY_WORDS if family in barred(task, profile, plan, avoid))
    rest = without(plan, families)
    parts = tuple(
        name for name, value in rest if name != "models" and value != Plan.model_fields[name].default
    )  # fmt: skip
    for more in ((), *((part,) for part in parts), parts):
        if not imported(task, profile, without(plan, (*families, *more)), avoid):
            return (*families, *more)
    return ()


def permitted(task: TaskBrief, profile: Profile, plan: Plan, avoid: Sequence[str]) -> Plan:
    """The plan without what is to be avoided; as it is where nothing helps."""
    return without(plan, left_out(task, profile, plan, avoid))
