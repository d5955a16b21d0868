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
    """A problem with its place; `line` and `column` count from 1 and are null where it has none."""

    file: str
    line: int | None
    column: int | None
    code: str
    path: str
    message: str
    suggestion: str | None


class Validity(Data):
    """What is wrong with a scenario and its task."""

    valid: bool
    problems: list[Finding]
    warnings: list[str]


class Backend(Data):
    """What one question to a backend brought; `seconds` is null where it did not answer, `window` is in tokens."""

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


class Node(Data):
    """A machine of a cluster: what Ray gives away of it, the GPUs that its driver shows, sandbox, versions."""

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
    """Where scripts would run; `free` is bytes of disk, `nodes` those of a cluster."""

    sandbox: str | None
    gaps: list[str]
    slots: int
    threads: int
    free: int
    trouble: str | None
    nodes: list[Node]


class Health(Data):
    """Whether a scenario could be run here."""

    well: bool
    backends: list[Backend]
    place: Place


class Graded(Data):
    """A submission's report, with the fields of MLE-bench's."""

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
    """The reports of all submissions of a JSONL file, with the fields of MLE-bench's."""

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
    """A task of the house, and the packages that carry its data."""

    name: str
    prepared: bool
    leaderboard: bool
    carriers: list[str]


class KnownCompetition(Data):
    """A competition of MLE-bench whose files are known."""

    competition: str
    targets: list[str]
    metric: str
    split: str


class PreparedTask(Data):
    """A task whose data are in their place."""

    name: str
    folder: str
    was_there: bool
    seconds: float


class Preparation(Data):
    """What was prepared, and the most memory that it took."""

    tasks: list[PreparedTask]
    peak_mebibytes: int


class NewTask(Data):
    """A task made of a table, and what was guessed of it."""

    folder: str
    task: TaskBrief
    guesses: list[str]
