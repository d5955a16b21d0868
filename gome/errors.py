"""All exceptions that gome raises deliberately, in one tree.

GomeError
├── UsageError             invalid input from the user: an argument, an option, a setting, an id
│   ├── ScenarioError      invalid scenario file; lists all problems, each with line and column
│   ├── TaskError          invalid task folder or task data
│   ├── RunNotFound        the given name matches no run, or more than one
│   └── NoSolution         a run has accepted no trial, so it has nothing to show, predict or export
├── LogError               the message log of a run cannot be opened, read or continued
│   ├── LogLocked          another process is writing to this run
│   ├── LogDamaged         the log file or an artefact is corrupt or missing
│   ├── LogVersion         the log was written by an incompatible version of gome
│   ├── ActivityChanged    a resumed run makes a request that differs from the recorded one
│   └── ReplayDiverged     a replay produced something other than what the log holds
├── Outage                 an external failure (model server, disk, cluster): the run pauses and can be resumed
│   └── WorkerLost         a cluster node was lost while it ran a script: the script is run again
├── ReplyInvalid           a model gave no valid reply, after all retries
├── NotAsked               a question is not put: the run comes to its end, or the budget does not allow it
└── SandboxError           a script cannot be run in the requested sandbox

`code` is the stable identifier that is printed with the error; `exit_status` is that of the command it ends.
The message states what failed and what the user can do about it.
"""

from collections.abc import Mapping
from typing import ClassVar

__all__ = [
    "ActivityChanged",
    "GomeError",
    "LogDamaged",
    "LogError",
    "LogLocked",
    "LogVersion",
    "NoSolution",
    "NotAsked",
    "Outage",
    "ReplayDiverged",
    "ReplyInvalid",
    "RunNotFound",
    "SandboxError",
    "ScenarioError",
    "TaskError",
    "UsageError",
    "WorkerLost",
]


class GomeError(Exception):
    """Base class. Raised itself only when an actor fails on a message that the run cannot continue without."""

    code: ClassVar[str] = "gome"
    exit_status: ClassVar[int] = 1


class UsageError(GomeError):
    """Raised for invalid input: an argument, an option, a setting, an id or a query. The message names the remedy."""

    code = "usage"
    exit_status = 2


class ScenarioError(UsageError):
    """Raised when a scenario file is invalid. `str(error)` has one line per problem."""

    code = "scenario"


class TaskError(UsageError):
    """Raised when a task folder, its manifest or its data are missing or invalid."""

    code = "task"


class RunNotFound(UsageError):
    """Raised when a name matches no run or more than one, or when a run's folder has no log."""

    code = "run-not-found"


class NoSolution(UsageError):
    """Raised where a run's solution is asked for and no trial was accepted. The message says why, and what may help."""

    code = "no-solution"


class LogError(GomeError):
    """Raised when a log cannot be opened, read or continued: missing, another run's, closed, or changed settings.

    Also raised when an actor cannot apply a message of the log, which is a bug.
    """

    code = "log"


class LogLocked(LogError):
    """Raised when a run is opened for writing while another process writes to it. Wait for that process or stop it."""

    code = "log-locked"
    exit_status = 2


class LogDamaged(LogError):
    """Raised when a log file or an artefact is corrupt or missing. Restore it from a copy, or fork before the damage.

    For a log file, the message says how much can still be read.
    """

    code = "log-damaged"


class LogVersion(LogError):
    """Raised when this version cannot read the format of a log, or a message in it. Use the version that wrote it."""

    code = "log-version"
    exit_status = 2


class ActivityChanged(LogError):
    """Raised when a resumed handler makes a request that differs from the one recorded for the same activity.

    The code or the scenario has changed. `--accept-changes` makes the new request.
    """

    code = "activity-changed"


class ReplayDiverged(LogError):
    """Raised when a replay differs from the log: another message, another request, or another score of a rerun script.

    The code has changed since the run was recorded, or a handler or script is not deterministic.
    """

    code = "replay-diverged"
    exit_status = 3


class Outage(GomeError):
    """Raised when something outside gome fails: a model server, the disk, a cluster. Fix the cause, then resume.

    `meter` is what a model call had used until then.
    """

    code = "outage"
    exit_status = 75  # EX_TEMPFAIL: try again later

    def __init__(self, message: str, meter: Mapping[str, float] | None = None) -> None:
        super().__init__(message)
        self.meter = dict(meter or {})


class WorkerLost(Outage):
    """Raised when a cluster node is lost while it runs a script. The script is run again, at most three times.

    After the last of these the run stops, as for any outage.
    """

    code = "worker-lost"


class ReplyInvalid(GomeError):
    """Raised when a backend has no valid reply for a request after all retries, or does not support the request.

    Use another model or backend for the role.
    """

    code = "reply-invalid"


class NotAsked(GomeError):
    """Raised when a question is not put: the run comes to its end, or a call could exceed the budget.

    Its step ends as unfinished. To go on, resume the run with a larger budget (`--set budget…`).
    """

    code = "not-asked"


class SandboxError(GomeError):
    """Raised when a script cannot be run as requested: no working sandbox, interpreter, workspace or file to mount.

    Also raised when processes of a script cannot be killed. The message names what to install, create or allow.
    """

    code = "sandbox"
