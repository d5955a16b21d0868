"""Documents about runs: lists, figures, solutions, lanes, comparisons."""

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
    "Sweep",
    "Times",
    "TreeNode",
    "Used",
    "WrittenSolution",
]


class RunRow(Data):
    """A run in a list: `score` is its best step's, `test_score` that of the submission.

    The submission is what the step in `submission_of` predicted, or of several steps the mean.
    """

    run: str
    task: str | None
    state: str
    trials: int
    accepted: int
    metric: str | None
    baseline: float | None
    score: float | None
    test_score: float | None
    submission_of: list[str]
    started: float | None


class BestSolution(Data):
    """The solution to take from a run: a step with its out-of-fold `score`, and the submission with the other scores.

    The submission is what the step in `submission_of` predicted, or of several steps the mean; `holdout_score` is what
    the finish chose it by.
    """

    run: str
    step: str
    final: bool
    score: float
    metric: str
    direction: str
    baseline: float | None
    submission_of: list[str]
    holdout_score: float | None
    test_score: float | None
    medal: str | None
    reasoners: list[str]
    script_sha256: str
    submission_sha256: str


class WrittenSolution(BestSolution):
    """The solution to take from a run, and the files that it was written to."""

    script: str
    submission: str
    requirements: str
    oof: str | None
    readme: str


class FinishedRun(BestSolution):
    """What `run` prints at its end: the best solution, and where its files are."""

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
    """A run that goes on by itself: its process, and the file with what it says."""

    run: str
    folder: str
    output: str
    pid: int


class TreeNode(Data):
    """A step under the one it changed, which may be another trace's.

    `kind` says how far it goes, null before it is proposed; `taken_from` are steps of other traces whose change or
    solution it took in.
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
    """What a step changed; `folds` are scores before and after on each split that both were run on.

    `taken_from` are steps of other traces whose change or solution it took in.
    """

    from_: str | None = Field(alias="from")
    to: str
    taken_from: list[str]
    diff: list[str]
    folds: list[tuple[float, float]]


class Used(Data):
    """What was asked and run; seconds and US dollars. `tokens_cached` are among `tokens_in`.

    How many calls did not say something: `uncounted` their tokens, `unsplit` those in and out apart, `cache_unsaid` the
    cached ones, `unpriced` their price.
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
    uncounted: int
    unsplit: int
    cache_unsaid: int
    unpriced: int
    errors: int


class Costs(Data):
    """What a run has used, by role, trace, model, question or hypothesis."""

    by: str
    groups: dict[str, Used]
    total: Used
    rejected: Used


class Figures(Data):
    """The figures of a run that `compare --fail-on` knows by these names."""

    score: float | None
    test_score: float | None
    time: float
    trials: int
    accepted: int
    failed: int
    time_to_best: float | None
    time_to_target: float | None
    trials_to_target: int | None
    calls: int
    tokens: float | None
    usd: float | None
    overlap: float
    slots_busy: float


class Parting(Data):
    """The first message that two runs do not share; an id or headline is null where one has not said it."""

    sender: str
    kind: str
    place: str
    fields: list[str]
    ids: tuple[str | None, str | None]
    headlines: tuple[str | None, str | None]


class Comparison(Data):
    """Two runs; `settings` are those that differ, by path; `divergence` is null where their roles said the same.

    `submission_of` are the steps whose predictions, or whose mean, the `test_score` is of.

    Scores of runs that are not `comparable` are of different tasks, metrics or data.
    """

    runs: tuple[str, str]
    comparable: bool
    target: float | None
    figures: tuple[Figures, Figures]
    settings: dict[str, tuple[Any, Any]]
    ideas: tuple[list[str], list[str]]
    divergence: Parting | None
    submission_of: tuple[list[str], list[str]]
    failed: list[str]


class Times(Data):
    """Shares of the time up to `until`; the first four add up to one. `sequential` is in seconds."""

    reasoning: float
    executing: float
    both: float
    neither: float
    slots: float
    until: float
    sequential: float


class Activity(Data):
    """A question or a script's run in its lane; `end` is null while it is under way, `slot` for questions."""

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
    """Who worked when: shares of the time, and every question and script."""

    shares: Times
    spans: list[Activity]


class Report(Data):
    """Where a report was written."""

    run: str
    report: str
    bytes: int


class SweptRun(Data):
    """One run of a sweep: its setting, its best step's score, the test score of what it submitted, its live seconds."""

    run: str
    setting: dict[str, str]
    state: str
    metric: str | None
    direction: str | None
    score: float | None
    test_score: float | None
    submission_of: list[str]
    medal: str | None
    trials: int
    seconds: float
    usd: float | None


class Mean(Data):
    """A mean over seeds and its standard error, which a single run has not."""

    value: float
    error: float | None


class SweptSetting(Data):
    """The finished runs of one setting together; `medals` counts them by colour."""

    setting: dict[str, str]
    runs: int
    finished: int
    score: Mean | None
    test_score: Mean | None
    medals: dict[str, int]
    trials: Mean | None
    seconds: Mean | None
    usd: Mean | None


class Sweep(Data):
    """A sweep: its folder, its figure, each run, each setting."""

    folder: str
    figure: str
    runs: list[SweptRun]
    settings: list[SweptSetting]
