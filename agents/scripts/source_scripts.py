"""The best script of another trace for a Proposer: what is shown of it, and what it would give with the trace's own."""

from gome.agents.method.validation import compare
from gome.agents.protocol.source_script import SourceScript, Together
from gome.agents.protocol.types import TraceBest
from gome.agents.scripts.difference import beside
from gome.agents.scripts.error_analysis import Pairer, paired
from gome.agents.state.trace import Best
from gome.bus.actors.actor import Context
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.evidence import Direction

__all__ = ["source_script"]


async def source_script(
    theirs: TraceBest,
    own: Best,
    artefacts: Artefacts,
    pairer: Pairer,
    direction: Direction,
    near_tie: float,
    context: Context,
) -> SourceScript:
    """Another trace's best beside this trace's `own`; both are compared as a recorded activity."""
    text, is_difference = beside(await artefacts.text(own.script_ref), await artefacts.text(theirs.script_ref))
    found, together = await paired(pairer, own.oof_ref, theirs.oof_ref, context), None
    if found.own is not None and found.other is not None and found.mean is not None:
        effect = compare(found.mean, found.own, direction, near_tie)
        scores = [each.score for each in (found.own, found.other, found.mean) if each.score is not None]
        if effect is not None and len(scores) == 3:
            weighted = found.weighted.score if found.weighted is not None else None
            weights = found.weights if weighted is not None else None
            together = Together(
                own=scores[0], other=scores[1], mean=scores[2], effect=effect, weights=weights, weighted=weighted
            )
    return SourceScript(trace=theirs.trace, step=theirs.step, text=text, is_difference=is_difference, together=together)
