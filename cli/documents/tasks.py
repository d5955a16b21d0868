"""Documents about scenarios, tasks and grades."""

from gome.cli.documents.base import Data
from gome.scenarios.evidence import TaskBrief

__all__ = [
    "Backend",
    "Finding",
    "Graded",
    "GradedAll",
    "Health",
    "KnownCompetition",
    "KnownTask",
    "NewTask",
    "Place",
    "Preparation",
    "PreparedTask",
    "Validity",
]


class Finding(Data):
    """A problem with its position; `line` and `column` count from 1, null where there is no position."""

    file: str
    line: int | None
    column: int | None
    code: str
    path: str
    message: str
    suggestion: str | None


class Validity(Data):
    """The problems and warnings of a scenario and its task."""

    valid: bool
    problems: list[Finding]
    warnings: list[str]


class Backend(Data):
    """The result of one request to a backend; `seconds` is null where it did not answer, `window` is in tokens.

    `left_out` is what was not asked, with `--offline`.
    """

    name: str
    roles: list[str]
    label: str
    key: str
    seconds: float | None
    replies: str
    tokens: float | None
    price: str
    trouble: str | None
    window: int | None
    left_out: list[str]


class Node(Data):
    """A machine of a Ray cluster: `cpus` and `gpus` by Ray, `devices` by the GPU driver, sandbox level, versions."""

    host: str
    id: str
    cpus: float
    gpus: float
    devices: int
    level: str | None
    version: str
    packages: dict[str, str]
    trouble: str | None


class Place(Data):
    """Where scripts would run; `free` is disk space in bytes, `nodes` are those of a cluster."""

    sandbox: str | None
    gaps: list[str]
    slots: int
    threads: int
    free: int
    trouble: str | None
    nodes: list[Node]


class Health(Data):
    """Whether a scenario can run here (`well`), with all findings."""

    well: bool
    backends: list[Backend]
    place: Place


class Graded(Data):
    """The report on a submission, with the fields of MLE-bench's report."""

    competition_id: str
    score: float | None
    gold_threshold: float | None
    silver_threshold: float | None
    bronze_threshold: float | None
    median_threshold: float | None
    any_medal: bool
    gold_medal: bool
    silver_medal: bool
    bronze_medal: bool
    above_median: bool
    submission_exists: bool
    valid_submission: bool
    is_lower_better: bool
    created_at: str
    submission_path: str


class GradedAll(Data):
    """The reports on all submissions of a JSONL file, with the fields of MLE-bench's report."""

    total_runs: int
    total_runs_with_submissions: int
    total_valid_submissions: int
    total_medals: int
    total_gold_medals: int
    total_silver_medals: int
    total_bronze_medals: int
    total_above_median: int
    competition_reports: list[Graded]


class KnownTask(Data):
    """A built-in task, and the packages that contain its data."""

    name: str
    prepared: bool
    leaderboard: bool
    carriers: list[str]


class KnownCompetition(Data):
    """An MLE-bench competition with an adapter."""

    competition: str
    targets: list[str]
    metric: str
    split: str


class PreparedTask(Data):
    """A task whose data are prepared; `was_there`: they were prepared before."""

    name: str
    folder: str
    was_there: bool
    seconds: float


class Preparation(Data):
    """The prepared tasks and the peak memory of the preparation."""

    tasks: list[PreparedTask]
    peak_mebibytes: int


class NewTask(Data):
    """A task created from a table, and what was guessed."""

    folder: str
    task: TaskBrief
    guesses: list[str]
