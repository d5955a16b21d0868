"""Every exception that gome raises on purpose, in one small tree.

GomeError
├── UsageError             what the user gave cannot be used; the message names the place and the remedy
│   ├── ScenarioError      a scenario file: all its problems at once, each with line and column
│   ├── TaskError          a task folder or its data
│   └── RunNotFound        no run, or more than one, answers to that name
├── LogError               the message log cannot be used as asked
│   ├── LogLocked          another process writes to this run
│   ├── LogDamaged         the file is torn; the message says what could be read
│   ├── LogVersion         written by a version whose log this one does not read
│   ├── ActivityChanged    a redelivered message asks for something else than what is recorded
│   └── ReplayDiverged     a replayed actor returned something else than what is in the log
├── Outage                 the world failed (endpoint, disk, worker): the run pauses and can be resumed
│   └── WorkerLost         the machine that did a job was lost with it: the job is done again elsewhere
├── ReplyInvalid           a reasoner's answer does not fit the asked type, after all retries
└── SandboxError           a script cannot be held as asked

Each class carries the stable `code` that is printed with it and the `exit_status` of the command it ends.
"""

from typing import ClassVar

__all__ = [
    "ActivityChanged",
    "GomeError",
    "LogDamaged",
    "LogError",
    "LogLocked",
    "LogVersion",
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
    """Root of the tree: an error whose message tells the user what to do."""

    code: ClassVar[str] = "gome"
    exit_status: ClassVar[int] = 1


class UsageError(GomeError):
    """What the user gave cannot be used."""

    code = "usage"
    exit_status = 2


class ScenarioError(UsageError):
    """A scenario file cannot be used; `str(error)` has one line a problem."""

    code = "scenario"


class TaskError(UsageError):
    """A task folder, or the data in it, cannot be used."""

    code = "task"


class RunNotFound(UsageError):
    """No run, or more than one, answers to the given name."""

    code = "run-not-found"


class LogError(GomeError):
    """The message log cannot be used as asked."""

    code = "log"


class LogLocked(LogError):
    """Another process writes to this run."""

    code = "log-locked"
    exit_status = 2


class LogDamaged(LogError):
    """The log file is torn or damaged."""

    code = "log-damaged"


class LogVersion(LogError):
    """The log was written by a version that this one does not read."""

    code = "log-version"
    exit_status = 2


class ActivityChanged(LogError):
    """A redelivered message asks for something else than what is recorded."""

    code = "activity-changed"


class ReplayDiverged(LogError):
    """A replayed actor returned something else than what is in the log."""

    code = "replay-diverged"
    exit_status = 3


class Outage(GomeError):
    """The world failed: an endpoint, the disk, a worker. The run pauses and can be resumed."""

    code = "outage"
    exit_status = 75  # EX_TEMPFAIL: try again later


class WorkerLost(Outage):
    """The machine that did a job was lost, and what it had done with it. Only that job is to be done again."""

    code = "worker-lost"


class ReplyInvalid(GomeError):
    """A reasoner's answer does not fit the asked type."""

    code = "reply-invalid"


class SandboxError(GomeError):
    """A script cannot be held as asked."""

    code = "sandbox"
