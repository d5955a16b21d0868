"""The expert's tuning suggestion: a lower learning rate and more rounds, if the script used little of its time."""

from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.code.cost import script_seconds
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.plan import Plan, read_plan
from gome.agents.backends.expert.situation import Scene
from gome.agents.backends.expert.writing import changes
from gome.agents.protocol.replies import Script
from gome.agents.protocol.script_requests import TuneSolution

__all__ = ["tune"]

_SHARE_OF_LIMIT = 0.1


def tune(request: TuneSolution, judgement: Judgement) -> Script:
    """The script with twice the rounds at half the rate and twice the trees; unchanged if that would take too long."""
    plan = read_plan(request.script)
    if plan is None:
        return Script(script=request.script, notes="The script names no plan; it is left as it is.")
    scene = Scene(request.task, request.profile, plan, request.evaluation, request.seconds, request.workplace)
    longer = _longer(plan)
    fits = script_seconds(scene, longer) <= _SHARE_OF_LIMIT * request.workplace.full_seconds
    tuned = judgement.choose(longer if fits else plan, (plan, longer, _shorter(plan)))
    if tuned == plan:
        return Script(script=request.script, notes="It is left as it is.")
    return Script(script=compose(request.task, request.profile, tuned), notes=changes(plan, tuned))


def _longer(plan: Plan) -> Plan:
    update = {"iterations": 2 * plan.iterations, "learning_rate": plan.learning_rate / 2, "trees": 2 * plan.trees}
    return plan.model_copy(update=update)


def _shorter(plan: Plan) -> Plan:
    update = {"iterations": max(20, plan.iterations // 2), "trees": max(10, plan.trees // 2)}
    return plan.model_copy(update=update)
