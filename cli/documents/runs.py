"""Documents about runs: lists, figures, solutions, timelines, comparisons."""

from typing import Any

from pydantic import Field

from gome.cli.documents.base import Data

__all__ = [
    "Activity",
    "BestSolution",
    "Comparison",
    "Costs",
    "DetachedRun",
    "Figures",
    "FinishedRun",
    "Lanes",
    "Parting",
    "Predictions",
    "Report",
    "RunRow",
    "StepDiff",
    "Times",
    "TreeNode",
    "Used",
    "WrittenSolution",
]


class RunRow(Data):
    """A run in a list. `score` is that of its best step, `test_score` that of its submission.

    `judged` says on how many splits of how many the score was measured (`2 of 5`); empty for all.

    Of its `trials`, `open` ones have no verdict yet; `awaiting` are those of them that were run, with their scores.
    The run's end or its budget came before `unfinished` ones had a result.
    `measured` says so in words. `now` is what a running run does now, in one line; empty where it does not run.

    The submission is the prediction of the step in `submission_of`, or the mean prediction of several steps.
    """

    run: str
    task: str | None
    state: str
    trials: int
    open: int
    unfinished: int
    accepted: int
    metric: str | None
    baseline: float | None
    score: float | None
    judged: str
    test_score: float | None
    awaiting: dict[str, float | None]
    measured: str
    now: str
    submission_of: list[str]
    started: float | None


class BestSolution(Data):
    """The best solution of a run: a step with its out-of-fold `score`, and the submission with its scores.

    `judged` says on how many splits of how many the score was measured (`2 of 5`); empty for all.

    The submission is the prediction of the step in `submission_of`, or the mean prediction of several steps. The
    finish selected it by `holdout_score`.
    """

    run: str
    step: str
    final: bool
    score: float
    judged: str
    metric: str
    direction: str
    baseline: float | None
    submission_of: list[str]
    holdout_score: float | None
    test_score: float | None
    medal: str | None
    doubts: list[str]
    reasoners: list[str]
    script_sha256: str
    submission_sha256: str


class WrittenSolution(BestSolution):
    """The best solution of a run, and the files that it was written to."""

    script: str
    submission: str
    requirements: str
    oof: str | None
    readme: str


class FinishedRun(BestSolution):
    """The result of `run`: the best solution and the paths of its files."""

    folder: str
    script: str
    submission: str
    report: str


class Predictions(Data):
    """A file of predictions for new rows, and the steps whose scripts made it."""

    run: str
    rows: int
    steps: str
    output: str


class DetachedRun(Data):
    """A run in the background: its process id, and the file with its output."""

    run: str
    folder: str
    output: str
    pid: int


class TreeNode(Data):
    """A step and its parent, the step whose script it changed; the parent may belong to another trace.

    `kind` says how far the change goes, null before the proposal. `taken_from`: steps of other traces whose change or
    solution it adopted.
    """

    step: str
    parent: str | None
    kind: str | None
    taken_from: list[str]
    verdict: str
    score: float | None
    gain: float | None
    hypotheses: list[str]


class StepDiff(Data):
    """What a step changed; `folds` are the scores before and after on each split that both steps were run on.

    `taken_from`: steps of other traces whose change or solution the step adopted.
    """

    from_: str | None = Field(alias="from")
    to: str
    taken_from: list[str]
    diff: list[str]
    folds: list[tuple[float, float]]


class Used(Data):
    """Usage: model calls and script runs, in seconds and US dollars. `tokens_in` includes `tokens_cached`.

    Numbers of calls with missing data: `uncounted` (no token count), `unsplit` (input and output tokens not separate),
    `cache_unsaid` (no count of cached tokens), `unpriced` (no price), `saving_unsaid` (one of both). `usd_saved` is
    what the same tokens would have cost more without the provider's cache.
    """

    calls: int
    seconds: float
    scripts: int
    script_seconds: float
    tokens: float
    tokens_in: float
    tokens_cached: float
    tokens_out: float
    usd: float
    usd_saved: float
    uncounted: int
    unsplit: int
    cache_unsaid: int
    unpriced: int
    saving_unsaid: int
    errors: int


class BackendPaid(Data):
    """What the steps came to that a backend answered for a role, where one is chosen for each step.

    `gain` is in standard errors, `usd` what all calls of these steps cost, `value` by what the next step would choose.
    """

    role: str
    backend: str
    steps: int
    gain: float
    usd: float
    value: float


class Costs(Data):
    """Usage of a run by role, trace, model, backend, question or hypothesis."""

    by: str
    groups: dict[str, Used]
    total: Used
    rejected: Used
    chosen: list[BackendPaid]


class Figures(Data):
    """The figures of a run."""

    score: float | None
    test_score: float | None
    time: float
    trials: int
    accepted: int
    failed: int
    unfinished: int
    time_to_best: float | None
    time_to_target: float | None
    trials_to_target: int | None
    calls: int
    tokens: float | None
    usd: float | None
    overlap: float
    slots_busy: float


class Parting(Data):
    """The first message in which two runs differ; id and headline are null for a run that does not have it."""

    sender: str
    kind: str
    place: str
    fields: list[str]
    ids: tuple[str | None, str | None]
    headlines: tuple[str | None, str | None]


class Comparison(Data):
    """Two runs. `settings`: differing settings by path. `divergence`: null where the roles sent the same messages.

    `submission_of`: the steps whose prediction, or mean prediction, `test_score` belongs to.

    Runs that are not `comparable` have different tasks, metrics or data.
    """

    runs: tuple[str, str]
    comparable: bool
    target: float | None
    figures: tuple[Figures, Figures]
    settings: dict[str, tuple[Any, Any]]
    ideas: tuple[list[str], list[str]]
    divergence: Parting | None
    submission_of: tuple[list[str], list[str]]


class Times(Data):
    """Shares of the time up to `until`; the first four add up to one. `until` and `sequential` are in seconds."""

    reasoning: float
    executing: float
    both: float
    neither: float
    slots: float
    until: float
    sequential: float


class Activity(Data):
    """A model call or a script run; `end` is null while it is running, `slot` is null for model calls."""

    message: str
    actor: str
    activity: str
    label: str
    trace: int | None
    step: int | None
    start: float
    end: float | None
    slot: int | None


class Lanes(Data):
    """The timeline of a run: shares of the time, and every model call and script run."""

    shares: Times
    spans: list[Activity]


class Report(Data):
    """The file that a report was written to."""

    run: str
    report: str
    bytes: int
