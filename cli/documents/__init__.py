"""The documents of `--json`: name and data type of each, complete to the last field.

A document is one line, `{"schema": "gome.NAME/1", "data": …}`. Times are in seconds since the start of the run, except
`wall` and `started`: UTC seconds since 1970. A value that was not measured is null.
"""

from typing import Any

from gome.cli.documents.log import Placed, Query, Replayed, ScriptAgain, Statistics, WholeMessage
from gome.cli.documents.memory import Memory
from gome.cli.documents.runs import (
    BestSolution,
    Comparison,
    Costs,
    DetachedRun,
    FinishedRun,
    Lanes,
    Predictions,
    Report,
    RunRow,
    StepDiff,
    TreeNode,
    WrittenSolution,
)
from gome.cli.documents.steering import HintLeft, Reviewed
from gome.cli.documents.sweeps import Sweep
from gome.cli.documents.tasks import (
    Graded,
    GradedAll,
    Health,
    KnownCompetition,
    KnownTask,
    NewTask,
    Preparation,
    Validity,
)

__all__ = ["DOCUMENTS"]

DOCUMENTS: dict[str, Any] = {
    "best": BestSolution | WrittenSolution,
    "compare": Comparison,
    "confirm": Reviewed,
    "confirm-waiting": list[Placed],
    "cost": Costs,
    "diff": StepDiff,
    "doctor": Health,
    "gantt": Lanes,
    "grade": Graded,
    "grade-all": GradedAll,
    "log": list[Placed],
    "log-show": WholeMessage,
    "log-sql": Query,
    "log-stats": Statistics,
    "log-thread": list[Placed],
    "log-why": list[Placed],
    "memory": Memory,
    "message": Placed,
    "predict": Predictions,
    "replay": Replayed,
    "replay-scripts": list[ScriptAgain],
    "report": Report,
    "resume-dry-run": list[Placed],
    "run": FinishedRun,
    "run-detached": DetachedRun,
    "hint": HintLeft,
    "runs": list[RunRow],
    "sweep": Sweep,
    "task-adapters": list[KnownCompetition],
    "task-list": list[KnownTask],
    "task-new": NewTask,
    "task-prepare": Preparation,
    "tree": list[TreeNode],
    "validate": Validity,
}
"""The type of `data` by document name: the NAME in `gome.NAME/1`."""
