"""The runs of a script as a trial."""

from gome.agents.protocol.messages import Job
from gome.agents.scripts.script_run import ScriptRan
from gome.agents.scripts.split_runs import SplitRuns
from gome.agents.scripts.trials import trial_of
from gome.executors.launch import Cause
from gome.scenarios.evidence import Evaluation


def test_the_output_is_that_of_the_first_split_by_number() -> None:
    """Whichever was run first, and with ten splits or more: there the evaluation has its claims from."""
    runs = tuple(
        ScriptRan(cause=Cause.OK, words="", output_ref=view, evaluation=Evaluation(view=view, score=1.0))
        for view in ("split-10", "split-2", "split-11")
    )
    trial = trial_of(Job(script_ref="s", attempt=1, notes=""), "full", SplitRuns(runs, None), None)
    assert trial.output_ref == "split-2"
