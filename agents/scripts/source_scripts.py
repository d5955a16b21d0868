"""The best script of another trace for a Proposer: what is shown of it, and what it would give with the trace's own."""

from gome.agents.method.validation import compare
from gome.agents.protocol.source_script import SourceScript, Together
from gome.agents.protocol.types import TraceBest
from gome.agents.scripts.difference import beside
from gome.agents.scripts.error_analysis import Pairer, paired
from gome.agents.state.trace import Best
from gome.bus.actors.actor import Context
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.evaluation.blending import scale_name
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.registry import metric_named

__all__ = ["source_script"]


async def source_script(
    theirs: TraceBest,
    own: Best,
    artefacts: Artefacts,
    pairer: Pairer,
    task: TaskBrief,
    near_tie: float,
    context: Context,
) -> SourceScript:
    """Another trace's best beside this trace's `own`; both are compared as a recorded activity."""
    text, is_difference = beside(await artefacts.text(own.script_ref), await artefacts.text(theirs.script_ref))
    found, together = await paired(pairer, own.oof_ref, theirs.oof_ref, context), None
    other, mean, weighted = (
        compare(each, found.own, task.direction, near_tie) if each is not None and found.own is not None else None
        for each in (found.other, found.mean, found.weighted)
    )
    if other is not None and mean is not None:
        scale = scale_name(task, metric_named(task.metric))
        together = Together(other=other, mean=mean, scale=scale, complement=found.complement)
        if weighted is not None:
            # The evaluation of the weighted mean knows of the common splits alone.
            weighted = weighted.model_copy(update={"planned": mean.planned})
            together = together.model_copy(update={"weights": found.weights, "weighted": weighted})
    return SourceScript(trace=theirs.trace, step=theirs.step, text=text, is_difference=is_difference, together=together)
