"""The cross-examination: what each kind of script is told, through the Runner, and what its two views are."""

import json
from pathlib import Path

import pytest

from agents.messages import Trial
from scenarios.encoding import encode_truth
from scenarios.evidence import LeakNote
from scenarios.harness import Harness
from scenarios.tables import read_table
from scenarios.tasks import Task
from scenarios.twins import first_split_rows
from scenarios.views import make_view
from tests.scenarios.judged import judge
from tests.scenarios.leaky import ONLY_IN_FULL, Change, source_with
from tests.scenarios.make_kinds import KINDS
from tests.scenarios.make_task import make_task

GROUPS, TIMES = "{kind: group, column: shop, folds: 4}", "{kind: time, column: date, folds: 3}"
LOOP = "parts = []\nfor split"
FIT = '    model = new_model().fit(fit[columns], fit["y"])\n'
PREDICT = "    predicted = model.predict(held[columns])\n"
MODEL = "DecisionTreeRegressor(min_samples_leaf=4, random_state=0)"
SUBMISSION = 'test.assign(y=final.predict(test[columns]))[["id", "y"]]'
EXCHANGED = ["debug", "full", "probe", "twin"]


@pytest.fixture(scope="module")
def harnesses(tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, Harness]:
    """A small task for every kind of split."""
    made = {}
    for split in (None, GROUPS, TIMES):
        folder = tmp_path_factory.mktemp("task")
        harness = Harness(Task.load(make_task(folder / "task", split=split)), folder / "views", seed=3)
        harness.prepare()
        made[split] = harness
    return made


def told(harness: Harness, change: Change, folder: Path) -> tuple[list[str], list[str]]:
    """`severity code` of each leak of a script with this change, and the views that it ran on."""
    trial, views = judge(harness, source_with(change, []), folder)
    return [f"{leak.severity} {leak.code}" for leak in leaks_of(trial)], views


def leaks_of(trial: Trial) -> tuple[LeakNote, ...]:
    assert trial.evaluation is not None
    assert trial.evaluation.valid
    return trial.evaluation.leaks


ALL_STANDARD = (
    ("columns = [", 'mean, spread = train["y"].mean(), train["y"].std()\ncolumns = ['),
    (FIT, FIT.replace('fit["y"]', '(fit["y"] - mean) / spread')),
    (PREDICT, PREDICT.replace("model.predict(held[columns])", "mean + spread * model.predict(held[columns])")),
)
BEST_SEED = (
    (
        FIT + PREDICT,
        "    tries = [ExtraTreesRegressor(2, max_depth=2, random_state=seed) for seed in range(12)]\n"
        '    tries = [each.fit(fit[columns], fit["y"]).predict(held[columns]) for each in tries]\n'
        '    predicted = min(tries, key=lambda each: ((each - held["y"]) ** 2).mean())\n',
    ),
)
OTHERS_OF_ITS_GROUP = (
    (
        PREDICT,
        '    shops = train.groupby("shop")["y"]\n'
        '    others = (shops.transform("sum") - train["y"]) / (shops.transform("count") - 1)\n'
        '    others.index = train["id"]\n'
        '    predicted = 0.5 * model.predict(held[columns]) + 0.5 * others[held["id"]].to_numpy()\n',
    ),
)
DAY_BEFORE = (
    (
        PREDICT,
        '    before = train.sort_values("date", kind="stable").set_index("id")["y"].shift(1).bfill()\n'
        '    predicted = 0.6 * model.predict(held[columns]) + 0.4 * before[held["id"]].to_numpy()\n',
    ),
)


@pytest.mark.parametrize(
    ("split", "change"),
    [
        (None, ()),
        (GROUPS, ()),
        (TIMES, ()),
        (None, ALL_STANDARD),
        (None, ((MODEL, "ExtraTreesRegressor(10, random_state=options.seed)"),)),
    ],
    ids=["random", "group", "time", "standardised by all rows", "forest"],
)
def test_whoever_keeps_to_the_training_rows_is_clean(
    harnesses: dict[str | None, Harness], split: str | None, change: Change, tmp_path: Path
) -> None:
    assert told(harnesses[split], change, tmp_path) == ([], EXCHANGED)


@pytest.mark.parametrize(
    ("split", "change", "whose"),
    [
        (GROUPS, OTHERS_OF_ITS_GROUP, "other rows of their group"),
        (TIMES, DAY_BEFORE, "the row before"),
        (None, ONLY_IN_FULL, "their own rows"),
    ],
    ids=["group", "time", "only without --debug"],
)
def test_whoever_follows_labels_of_validation_rows_is_named_and_why(
    harnesses: dict[str | None, Harness], split: str | None, change: Change, whose: str, tmp_path: Path
) -> None:
    trial, _ = judge(harnesses[split], source_with(change, []), tmp_path)
    found = [leak for leak in leaks_of(trial) if leak.code == "follows-labels"]
    assert [leak.severity for leak in found] == ["severe"]
    assert f"follow labels of {whose}" in found[0].message


def test_a_choice_on_validation_rows_is_mild(harnesses: dict[str | None, Harness], tmp_path: Path) -> None:
    assert told(harnesses[None], BEST_SEED, tmp_path) == (["mild chosen-on-validation"], [*EXCHANGED, "probe"])


def test_who_draws_anew_each_time_is_not_blamed_for_it(harnesses: dict[str | None, Harness], tmp_path: Path) -> None:
    """Two runs of it differ whatever the labels are; a third one on the same data shows it."""
    change = ((MODEL, "ExtraTreesRegressor(5, random_state=np.random.default_rng().integers(10**6))"),)
    assert told(harnesses[None], change, tmp_path) == ([], [*EXCHANGED, "probe"])


def test_who_draws_anew_each_time_and_follows_labels_is_caught(
    harnesses: dict[str | None, Harness], tmp_path: Path
) -> None:
    change = (
        *ONLY_IN_FULL,
        (MODEL, "ExtraTreesRegressor(5, min_samples_leaf=2, random_state=np.random.default_rng().integers(10**6))"),
    )
    assert told(harnesses[None], change, tmp_path)[0] == ["severe follows-labels"]


def test_answers_kept_by_id_are_severe(harnesses: dict[str | None, Harness], tmp_path: Path) -> None:
    """The table is computed here, so that nothing in the text gives it away."""
    kept = SUBMISSION.replace("test[columns])", 'test[columns]) + test["id"] * 7919 % 101 / 10')
    by_id = SUBMISSION.replace("final.predict(test[columns])", '(test["id"] * 7919 % 101 / 10)')
    assert told(harnesses[None], ((SUBMISSION, by_id),), tmp_path / "kept")[0] == ["severe answers-by-id"]
    assert told(harnesses[None], ((SUBMISSION, kept),), tmp_path / "shifted")[0] == ["mild follows-ids"]


def test_a_script_that_fails_on_the_sample_is_noted(tmp_path: Path) -> None:
    harness = Harness(Task.load(make_task(tmp_path / "task", rows=600)), tmp_path / "views", seed=3)
    harness.prepare()
    broken = f'if len(train) < 600 and not options.debug:\n    raise ValueError("too few rows")\n{LOOP}'
    trial, views = judge(harness, source_with(((LOOP, broken),), []), tmp_path / "judged")
    assert [f"{leak.severity} {leak.code}" for leak in leaks_of(trial)] == ["mild not-examined"]
    assert "too few rows" in leaks_of(trial)[0].message
    assert views == ["debug", "full", "probe"]


def test_what_would_not_be_kept_is_not_examined(harnesses: dict[str | None, Harness], tmp_path: Path) -> None:
    harness, source = harnesses[None], source_with((), [])
    trial, views = judge(harness, source, tmp_path / "first", debug=False)
    assert views == ["full", "probe", "twin"]
    assert trial.evaluation is not None
    better = trial.evaluation.model_copy(update={"folds": tuple(0.5 * score for score in trial.evaluation.folds)})
    assert judge(harness, source, tmp_path / "worse", best=better, debug=False)[1] == ["full"]
    assert judge(harness, source, tmp_path / "tie", best=trial.evaluation, debug=False)[1] == ["full", "probe", "twin"]
    assert judge(harness, source, tmp_path / "off", examine=False)[1] == ["debug", "full"]


def test_what_the_debug_run_shows_needs_no_examination(harnesses: dict[str | None, Harness], tmp_path: Path) -> None:
    change = ((FIT, FIT.replace("fit[columns], fit", "train[columns], train")),)
    leaks, views = told(harnesses[None], change, tmp_path)
    assert leaks == ["severe saw-validation"]
    assert views == ["debug", "full"]


@pytest.mark.parametrize("split", [None, GROUPS, TIMES])
def test_the_twins_differ_in_foreign_labels_and_test_ids_alone(
    harnesses: dict[str | None, Harness], split: str | None
) -> None:
    harness = harnesses[split]
    probe, twin = (make_view(harness.task, name, 3, 0.2) for name in ("probe", "twin"))
    changed = (probe.train["y"] != twin.train["y"]).to_numpy().nonzero()[0]
    dealt = first_split_rows(probe.train, probe.folds, harness.task.brief, "valid", "unused")
    assert set(changed) <= set(dealt)
    assert len(changed) > 0.8 * len(dealt)
    assert sorted(probe.train["y"]) == sorted(twin.train["y"])
    assert probe.train.drop(columns="y").equals(twin.train.drop(columns="y"))
    assert probe.folds.equals(twin.folds)
    assert probe.test.drop(columns="id").equals(twin.test.drop(columns="id"))
    assert sorted(probe.test["id"]) == sorted(twin.test["id"])
    assert (probe.test["id"] != twin.test["id"]).mean() > 0.9
    assert encode_truth(probe.train, harness.task.brief).std() > 0


def test_nothing_tells_a_script_that_it_is_examined(harnesses: dict[str | None, Harness]) -> None:
    said = [json.loads((harnesses[None].data(view) / "task.json").read_text()) for view in ("full", "probe", "twin")]
    assert said[0] == said[1] == said[2]


def test_groups_and_runs_of_time_stay_whole(tmp_path: Path) -> None:
    """A leak that goes from row to row needs the neighbours."""
    clinic = Task.load(make_task(tmp_path / "groups", rows=1500, split=GROUPS))
    sizes = clinic.train["shop"].value_counts()
    sampled = make_view(clinic, "probe", 3, 0.2).train["shop"].value_counts()
    assert len(sampled) < len(sizes)
    assert (sampled == sizes[sampled.index]).all()
    KINDS["days"](tmp_path / "days")
    days = Task.load(tmp_path / "days")
    window = make_view(days, "probe", 3, 0.2).train["date"]
    assert sorted(window) == sorted(days.train["date"])[-len(window) :]


def test_ids_that_name_files_stay_with_their_rows(tmp_path: Path) -> None:
    KINDS["joins"](tmp_path / "joins")
    task = Task.load(tmp_path / "joins")
    known = read_table(task.public / "train.csv").set_index("id")["price"]
    probe = make_view(task, "probe", 3, 0.2).train.set_index("id")["price"]
    assert (known[probe.index] == probe).all()
