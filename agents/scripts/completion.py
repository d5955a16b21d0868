"""An accepted solution with more of its splits: its runs combined, its errors analysed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gome.agents.protocol.messages import SolutionCompleted
from gome.agents.scripts.error_analysis import Analysed, Analyser, Analysing
from gome.agents.scripts.joined_splits import Assembled, Assembler, Assembling
from gome.agents.scripts.script_run import ScriptRan
from gome.bus.actors.actor import Context

__all__ = ["Completion"]


@dataclass(frozen=True, slots=True)
class Completion:
    """Makes the message, by the harness."""

    assembler: Assembler
    analyser: Analyser

    async def of(
        self, script_ref: str, runs: Sequence[ScriptRan], planned: int, rows: int | None, context: Context
    ) -> SolutionCompleted:
        """The solution by its good `runs` on `planned` splits; two recorded activities.

        `rows` is how many rows the analysis may show; None: no analysis. Raises ValueError where a run is not good.
        """
        request = Assembling.of(runs, planned)
        whole = await context.perform(
            "assemble", request, Assembled, partial(self.assembler, request), label="completion"
        )
        return SolutionCompleted(
            script_ref=script_ref,
            evaluation=whole.evaluation,
            submission_ref=whole.submission_ref,
            oof_ref=whole.oof_ref,
            diagnostics_ref=await self._analysed(whole.oof_ref, rows, context),
        )

    async def _analysed(self, oof_ref: str | None, rows: int | None, context: Context) -> str | None:
        """The analysis of the solution's errors, which later proposals are shown."""
        if oof_ref is None or rows is None:
            return None
        request = Analysing(oof_ref=oof_ref, rows=rows)
        call = partial(self.analyser, request)
        return (await context.perform("analyse", request, Analysed, call, label="error analysis")).diagnostics_ref
