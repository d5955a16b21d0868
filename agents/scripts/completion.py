"""An accepted solution with more of its splits: its runs combined, its errors analysed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gome.agents.protocol.messages import SolutionCompleted
from gome.agents.scripts.error_analysis import Analyser, analysed
from gome.agents.scripts.joined_splits import Assembled, Assembler, Assembling
from gome.agents.scripts.script_run import ScriptRan
from gome.bus.actors.actor import Context

__all__ = ["Completion"]


@dataclass(frozen=True, slots=True)
class Completion:
    """Makes the message, by the harness."""

    assembler: Assembler
    analyser: Analyser

    async def assembled(self, runs: Sequence[ScriptRan], planned: int, context: Context, label: str) -> Assembled:
        """The good `runs` of a script on `planned` splits put together, as a recorded activity."""
        request = Assembling.of(runs, planned)
        return await context.perform("assemble", request, Assembled, partial(self.assembler, request), label=label)

    async def of(
        self, script_ref: str, runs: Sequence[ScriptRan], planned: int, rows: int | None, context: Context
    ) -> SolutionCompleted:
        """The solution by its good `runs` on `planned` splits; two recorded activities.

        `rows` is how many rows the analysis may show; None: no analysis. Raises ValueError where a run is not good.
        """
        whole = await self.assembled(runs, planned, context, "completion")
        found = None
        if rows is not None:
            found = await analysed(self.analyser, whole.oof_ref, None, rows, context)
        return SolutionCompleted(
            script_ref=script_ref,
            evaluation=whole.evaluation,
            submission_ref=whole.submission_ref,
            oof_ref=whole.oof_ref,
            diagnostics_ref=found,
        )
