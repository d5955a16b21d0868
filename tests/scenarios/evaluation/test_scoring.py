"""Scores of runs: paired comparisons, partial trials, weights of time splits, and claims of scripts."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from gome.agents.method.validation import compare
from gome.scenarios.evaluation.claims import Claims, read_claims
from gome.scenarios.evaluation.harness import Assembled, Harness
from gome.scenarios.evaluation.scoring import RowScore, bundles, merge, overflow, score_rows
from gome.scenarios.evaluation.views import make_view, units_of
from gome.scenarios.evidence import Evaluation, SplitRule
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import metric_named
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task
from tests.scenarios.helpers.solve import solve
from tests.scenarios.helpers.solved import trial

RMSE = metric_named("rmse")
TIME = SplitRule(kind="time", column="t", folds=4)
PLAIN = SplitRule(kind="random", folds=5)


def run(split: int, score: float, rows: int = 100, **fields: object) -> Evaluation:
    """A synthetic evaluation of one run."""
    figures = {"splits": (split,), "folds": (score,), "fold_rows": ((rows, 900),), "weights": (1.0,)}
    return Evaluation.model_validate(
        {"view": f"split-{split}", "score": score, "planned": 1, "replicates": ((),), **figures, **fields}
    )


def runs_of(errors: Sequence[Array], rule: SplitRule, seed: int = 3) -> Evaluation:
    """A trial from the given errors, one row per split."""
    parts = []
    for split, error in enumerate(errors):
        truth = np.zeros((len(error), 1))
        units = bundles(np.arange(len(error)), rule)
        figures = score_rows(RMSE, truth, error[:, None], units, seed)
        more = {"replicates": (figures.replicates,), "standard_error": figures.standard_error}
        parts.append(run(split, figures.score or 0.0, len(error), **more))
    return merge(parts, rule, len(errors))


def test_splits_of_time_that_differ_wildly_do_not_hide_a_gain_of_a_tenth() -> None:
    """One split has ten times the error of another; both trials share the variance between splits."""
    draw = np.random.default_rng(0)
    before = [scale * draw.normal(0, 1, 250) for scale in (10.0, 1.0, 6.0, 2.0)]
    after = [0.9 * error + 0.02 * np.abs(error).mean() * draw.normal(0, 1, 250) for error in before]
    ours, theirs = runs_of(after, TIME), runs_of(before, TIME)
    assert theirs.standard_error is not None and theirs.score is not None
    assert theirs.standard_error > 0.3 * theirs.score, "by the spread of the splits nothing could be told"
    found = compare(ours, theirs, "minimize")
    assert found is not None and found.verdict == "better"
    assert found.gain == pytest.approx(0.1 * theirs.score, rel=0.1)
    assert found.standard_error is not None and found.gain > 3 * found.standard_error
    back = compare(theirs, ours, "minimize")
    assert back is not None and back.verdict == "worse" and back.gain == pytest.approx(-found.gain)


def test_two_of_the_same_kind_are_a_near_tie_and_a_draw_of_chance_seldom_more() -> None:
    draw = np.random.default_rng(1)
    verdicts = []
    for _ in range(40):
        one, other = ([draw.normal(0, 1, 120) for _ in range(5)] for _ in range(2))
        found = compare(runs_of(one, PLAIN), runs_of(other, PLAIN), "minimize", near_tie=2.0)
        assert found is not None
        verdicts.append(found.verdict)
    assert verdicts.count("near-tie") >= 37
    same = runs_of([draw.normal(0, 1, 120)] * 3, PLAIN)
    itself = compare(same, same, "minimize")
    assert itself is not None and (itself.gain, itself.verdict) == (0.0, "near-tie")


def test_a_time_task_end_to_end_finds_the_better_script(tmp_path: Path) -> None:
    """The plain tree compared with itself with errors reduced by a tenth."""
    task = Task.load(make_task(tmp_path / "task", rows=900, split="{kind: time, column: date, folds: 3}"))
    harness = Harness(task, tmp_path / "views", seed=3)
    plain = trial(harness, tmp_path / "plain")

    def better(harness: Harness) -> Assembled:
        runs, predictions = [], []
        for view in harness.splits:
            judged = harness.judge(view, solve(harness.data(view), tmp_path / view, 7))
            rows = make_view(task, view, 3, 0.2).withheld
            assert judged.predictions is not None
            judged.predictions[: len(rows)] -= 0.1 * (judged.predictions[: len(rows)] - task.truth[rows])
            runs.append(harness.score_mean(view, [judged.predictions]))
            predictions.append(judged.predictions)
        return harness.assemble(runs, predictions)

    found = compare(better(harness).evaluation, plain.evaluation, "minimize")
    assert found is not None and found.verdict == "better" and found.splits == 3
    assert plain.evaluation.weights == pytest.approx((1 / 6, 2 / 6, 3 / 6), abs=0.01)


def test_partial_trials_are_compared_on_the_splits_that_both_have() -> None:
    incumbent = merge([run(split, 1.0 + split) for split in range(5)], PLAIN, 5)
    partial = merge([run(split, 0.5 + split) for split in (3, 1)], PLAIN, 5)
    assert partial.partial and not incumbent.partial
    assert (partial.splits, partial.folds, partial.score) == ((1, 3), (1.5, 3.5), 2.5)
    found = compare(partial, incumbent, "minimize")
    assert found is not None and found.splits == 2 and found.gain == pytest.approx(0.5)
    other = merge([run(0, 9.0)], PLAIN, 5)
    found = compare(other, partial, "minimize")
    assert found is not None and found.splits == 0 and found.gain == pytest.approx(2.5 - 9.0)
    assert compare(merge([], PLAIN, 5), incumbent, "minimize") is None


def test_partial_trials_of_time_keep_the_weights_of_their_splits() -> None:
    incumbent = merge([run(split, 1.0) for split in range(4)], TIME, 4)
    assert incumbent.weights == pytest.approx((0.1, 0.2, 0.3, 0.4))
    partial = merge([run(3, 0.0), run(2, 1.0)], TIME, 4)
    assert partial.weights == pytest.approx((3 / 7, 4 / 7)) and partial.score == pytest.approx(3 / 7)
    found = compare(partial, incumbent, "minimize")
    assert found is not None and found.gain == pytest.approx(4 / 7)


def test_runs_are_merged_in_the_order_of_the_splits_whatever_they_were_run_in() -> None:
    parts = [run(split, float(split), rows=100 + split) for split in range(4)]
    assert merge(parts, TIME, 4) == merge(parts[::-1], TIME, 4)


def test_a_fold_without_a_score_is_left_out() -> None:
    """AUC is undefined for a fold with one class: it is ignored and not a failure."""
    auc = metric_named("auc")
    chances = np.linspace(0, 1, 30)[:, None]
    assert score_rows(auc, np.zeros((30, 1)), chances, np.arange(30), 1) == RowScore()
    none = Evaluation(view="split-1")
    whole = merge([run(0, 0.5), none, run(2, 0.7)], PLAIN, 5)
    assert (whole.splits, whole.planned) == ((0, 2), 4) and whole.score == pytest.approx(0.6)
    assert sum(whole.weights) == pytest.approx(1)
    nothing = merge([none], PLAIN, 1)
    assert (nothing.score, nothing.planned, nothing.folds) == (None, 0, ())


def test_the_first_run_with_defects_is_the_trials() -> None:
    broken = Evaluation.model_validate({"view": "split-1", "defects": [{"code": "c", "message": "m"}]})
    assert merge([run(0, 0.5), broken], PLAIN, 5).defects == broken.defects
    assert merge([run(0, 0.5), broken], PLAIN, 5).score is None


def test_what_belongs_together_is_drawn_together() -> None:
    """Fifty copies of ten rows are as uncertain as ten rows, not as five hundred."""
    draw = np.random.default_rng(5)
    few = draw.normal(0, 1, 10)
    truth, groups = np.zeros((500, 1)), np.repeat(np.arange(10), 50)
    rule = SplitRule(kind="group", column="g")
    together = score_rows(RMSE, truth, np.repeat(few, 50)[:, None], bundles(groups, rule), 1).standard_error
    apart = score_rows(RMSE, truth, np.repeat(few, 50)[:, None], np.arange(500), 1).standard_error
    assert together is not None and apart is not None and together > 4 * apart
    assert len(np.unique(bundles(np.arange(100_000), PLAIN))) == 400
    stretches = bundles(np.arange(1000), TIME)
    assert len(np.unique(stretches)) == 25 and list(stretches) == sorted(stretches)


@pytest.mark.parametrize(
    "split", ["{kind: group, column: shop, folds: 4}", "{kind: time, column: date, folds: 3}", "{kind: random}"]
)
def test_the_harness_draws_what_the_tasks_split_keeps_together(tmp_path: Path, split: str) -> None:
    task = Task.load(make_task(tmp_path / "task", split=split))
    harness = Harness(task, tmp_path / "views", seed=3)
    judged = harness.judge("split-1", solve(harness.data("split-1"), tmp_path / "out"))
    rows = make_view(task, "split-1", 3, 0.2).withheld
    together = bundles(units_of(task)[rows], task.brief.split)
    assert judged.predictions is not None
    held = judged.predictions[: len(rows)]
    drawn = score_rows(task.metric, task.truth[rows], held, together, 3).replicates
    assert judged.evaluation.replicates == (drawn,)
    apart = score_rows(task.metric, task.truth[rows], held, np.arange(len(rows)), 3).replicates
    assert (drawn == apart) == (task.brief.split.kind == "random")


def test_one_group_alone_has_no_spread_that_could_be_drawn() -> None:
    """With one group all draws are equal; a spread of zero would turn every difference into a gain."""
    groups = SplitRule(kind="group", column="g", folds=5)

    def leave_one_out(*scales: float) -> Evaluation:
        parts = []
        for split, scale in enumerate(scales):
            error = scale * np.random.default_rng(split).normal(0, 1, 40)
            figures = score_rows(RMSE, np.zeros((40, 1)), error[:, None], bundles(np.full(40, split), groups), 1)
            assert figures.standard_error is None and figures.replicates == ()
            parts.append(run(split, figures.score or 0.0, 40))
        return merge(parts, groups, 5)

    found = compare(leave_one_out(1.1, 0.9, 1.1, 0.9, 0.99), leave_one_out(1, 1, 1, 1, 1), "minimize")
    assert found is not None and found.standard_error is not None and found.standard_error > 0
    assert found.verdict == "near-tie"


def test_predictions_of_the_same_rows_are_drawn_in_pairs() -> None:
    draw = np.random.default_rng(7)
    error = draw.normal(0, 1, 300)
    ours, theirs = (runs_of([each], PLAIN).replicates[0] for each in (error, error + 0.01))
    differences = np.subtract(np.array(ours, dtype=float), np.array(theirs, dtype=float))
    assert np.std(differences) < 0.1 * np.std(np.array(ours, dtype=float))


CLAIMS: list[tuple[bytes, dict[str, object]]] = [
    (b"", {}),
    (b"[]", {}),
    (b"{", {}),
    (b"\xff", {}),
    (b"[" * 60_000, {}),
    (b'{"a":' * 10_000, {}),
    (b'{"a": 1}' + b" " * 70_000, {}),
    (b'{"train_score": "5", "importance": [1], "x": [1, 2], "y": null, "z": true}', {"figures": {}}),
    (b'{"train_score": NaN, "importance": {"a": NaN, "b": "x", "c": true}, "d": -Infinity}', {"importance": {}}),
    (b'{"train_score": 1' + b"0" * 5000 + b"}", {}),
    (b'{"train_score": 1' + b"0" * 400 + b"}", {"figures": {}}),
    (b'{"a": {"b": {"c": 1}, "d": 2}, "e": 1e999}', {"figures": {"a.d": 2.0}}),
    (b'{"\\ud800": 1, "a": {"\\udfff": 2}}', {"figures": {"?": 1.0, "a.?": 2.0}}),
    (b'{"a": 1, "a": 2}', {"figures": {"a": 2.0}}),
]


@pytest.mark.parametrize(("content", "told"), CLAIMS, ids=range(len(CLAIMS)))
def test_claims_out_of_form_are_left_out(tmp_path: Path, content: bytes, told: dict[str, object]) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(content)
    said = read_claims(path)
    assert {name: getattr(said, name) for name in told} == told
    if not told:
        assert said == Claims()
    evaluation = Evaluation(view="split-0", importance=said.importance, claims=said.figures)
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
    "".join([*evaluation.claims, *evaluation.importance]).encode()


@pytest.mark.parametrize(
    "make",
    [lambda path: None, Path.mkdir, lambda path: path.symlink_to("/etc/passwd")],
    ids=["nothing", "a folder", "a link"],
)
def test_what_is_no_plain_file_claims_nothing(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "evidence.json")
    assert read_claims(tmp_path / "evidence.json") == Claims()
    assert read_claims(None) == Claims()


def test_claims_are_many_at_most_and_never_the_score(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text("{" + ", ".join(f'"{"n" * 200}{number}": {number}' for number in range(200)) + "}")
    assert all(len(name) <= 80 for name in read_claims(path).figures)
    path.write_text("{" + ", ".join(f'"{number}": {number}' for number in range(2000)) + ', "score": 0}')
    assert len(read_claims(path).figures) == 50
    harness = Harness(Task.load(make_task(tmp_path / "task")), tmp_path / "views", seed=1)
    files = solve(harness.data("split-0"), tmp_path / "out")
    honest = harness.judge("split-0", files).evaluation
    files["evidence.json"].write_text('{"score": 0.0001, "train_score": 0.0001, "folds": {"a": 0}}')
    lying = harness.judge("split-0", files).evaluation
    assert (lying.score, lying.folds, lying.verified) == (honest.score, honest.folds, True)
    assert lying.claims == {"score": 0.0001, "folds.a": 0.0} and lying.train_folds == (0.0001,)


def test_predictions_whose_score_overflows_are_a_defect_without_a_score() -> None:
    for size in (1e200, -1e200):
        figures = score_rows(RMSE, np.zeros((4, 1)), np.full((4, 1), size), np.arange(4), 1)
        assert figures == RowScore(defects=figures.defects)
        assert [note.code for note in figures.defects] == ["overflow"]


@pytest.mark.parametrize(("value", "codes"), [(1e99, []), (-1e99, []), (1e101, ["overflow"]), (-1e101, ["overflow"])])
def test_a_prediction_beyond_a_googol_is_an_overflow(value: float, codes: list[str]) -> None:
    assert [note.code for note in overflow(np.array([[1.0], [value], [2.0]]))] == codes
    assert overflow(np.array([0, 2, 1])) == (), "numbers of classes are never too large"


def test_the_error_of_a_run_is_the_spread_of_fifty_draws() -> None:
    error = np.random.default_rng(0).normal(0, 1, 200)[:, None]
    figures = score_rows(RMSE, np.zeros((200, 1)), error, np.arange(200), 1)
    replicates = figures.replicates
    assert len(replicates) == 50
    assert figures.standard_error == pytest.approx(np.std(np.array(replicates, dtype=float), ddof=1), rel=1e-12)
    assert all(float(f"{each:.6g}") == each for each in replicates), "six digits are kept in the log"
    assert any(float(f"{each:.5g}") != each for each in replicates)
    assert score_rows(RMSE, np.zeros((200, 1)), error, np.arange(200), 1) == figures
    assert score_rows(RMSE, np.zeros((200, 1)), error, np.arange(200), 2).replicates != replicates


def test_each_draw_has_as_many_units_as_there_are() -> None:
    """Two groups with errors 0 and 1: a draw of two takes the one twice, the other twice, or both."""
    error = np.array([0.0, 0.0, 1.0, 1.0])[:, None]
    figures = score_rows(RMSE, np.zeros((4, 1)), error, np.array([0, 0, 1, 1]), 1)
    assert set(figures.replicates) == {0.0, 0.707107, 1.0}


def test_a_draw_without_a_score_is_undefined_and_the_others_give_the_error() -> None:
    """With one row of a class among few, many draws have no row of it, and then no area under a curve."""
    truth, chances = np.array([0.0, 0.0, 0.0, 1.0])[:, None], np.array([0.1, 0.6, 0.3, 0.5])[:, None]
    figures = score_rows(metric_named("auc"), truth, chances, np.arange(4), 1)
    replicates = figures.replicates
    defined = [each for each in replicates if each is not None]
    assert 0 < len(defined) < len(replicates) == 50
    assert figures.standard_error == pytest.approx(np.std(defined, ddof=1))


@pytest.mark.parametrize(
    ("rule", "rows", "expected"),
    [
        (TIME, 100, [row // 4 for row in range(100)]),
        (SplitRule(kind="holdout", column="t"), 50, [row // 2 for row in range(50)]),
        (SplitRule(kind="holdout"), 402, [*range(400), 0, 1]),
        (SplitRule(kind="group", column="g"), 402, [*range(400), 0, 1]),
        (PLAIN, 402, [*range(400), 0, 1]),
        (TIME, 10, list(range(10))),
        (TIME, 1, [0]),
        (PLAIN, 1, [0]),
    ],
    ids=["time", "hold-out by time", "hold-out", "groups", "rows", "few times", "one time", "one row"],
)
def test_rows_are_bundled_by_the_kind_of_split(rule: SplitRule, rows: int, expected: list[int]) -> None:
    """Neighbours in time stay together; other units are dealt to bundles in turn."""
    units = 10 * np.arange(rows)  # only their order counts
    assert bundles(units, rule).tolist() == expected
    assert bundles(units[::-1], rule).tolist() == expected[::-1]
    assert bundles(np.repeat(units, 2), rule).tolist() == np.repeat(expected, 2).tolist()


def test_the_error_of_a_trial_is_the_spread_of_its_folds() -> None:
    # .1 and .5: standard deviation .282843, by √2.
    assert merge([run(0, 0.1), run(1, 0.5)], PLAIN, 5).standard_error == pytest.approx(0.2)
    # 1 2 3 4: standard deviation 1.290994, by 2.
    parts = [run(split, 1.0 + split) for split in range(4)]
    assert merge(parts, PLAIN, 5).standard_error == pytest.approx(1.290994 / 2)
    alone = merge([run(2, 0.1, standard_error=0.03)], PLAIN, 5)
    assert alone.standard_error == 0.03, "that of its draws where there is one fold"


def test_a_trial_is_verified_only_if_all_of_its_runs_are() -> None:
    assert merge([run(0, 0.1), run(1, 0.5)], PLAIN, 5).verified
    assert not merge([run(0, 0.1), run(1, 0.5, verified=False)], PLAIN, 5).verified


def test_training_scores_are_those_of_all_folds_or_none() -> None:
    first, second = run(0, 0.1, train_folds=(0.05,)), run(1, 0.5, train_folds=(0.07,))
    assert merge([second, first], PLAIN, 5).train_folds == (0.05, 0.07)
    assert merge([first, run(1, 0.5)], PLAIN, 5).train_folds == ()


def test_claims_and_importance_are_those_of_the_first_split() -> None:
    parts = [run(split, 0.1, importance={f"x{split}": 1.0}, claims={f"c{split}": 2.0}) for split in (3, 1, 2)]
    merged = merge(parts, PLAIN, 5)
    assert (merged.importance, merged.claims) == ({"x1": 1.0}, {"c1": 2.0})


def test_the_first_defects_are_those_of_the_first_run_that_has_some() -> None:
    broken = [run(split, 0.1, defects=[{"code": f"c{split}", "message": "m"}]) for split in (2, 1)]
    merged = merge([run(0, 0.1), *broken], PLAIN, 4)
    assert [note.code for note in merged.defects] == ["c2"]
    assert (merged.planned, merged.folds, merged.score) == (4, (), None)


def test_the_most_important_features_are_kept_in_order(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    weights = {f"x{number:03d}": number % 30 for number in reversed(range(120))}
    path.write_text(json.dumps({"importance": weights}))
    kept = read_claims(path).importance
    expected = sorted(weights, key=lambda name: (-weights[name], name))[:50]
    assert list(kept.items()) == [(name, float(weights[name])) for name in expected]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e300", "-1e300", "true", '"1"', "null", "[1]"])
def test_a_claim_is_a_number_of_sensible_size(tmp_path: Path, text: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(f'{{"train_score": {text}, "a": {text}, "b": {{"c": {text}}}, "d": -2, "importance": {{"x": 1}}}}')
    assert read_claims(path) == Claims(figures={"d": -2.0}, importance={"x": 1.0})


def test_an_error_needs_two_draws_with_a_score() -> None:
    """One row of each of five classes: only a draw with all five rows has an area under the curves."""
    truth, chances = np.arange(5), np.full((5, 5), 0.1) + 0.5 * np.eye(5)
    found: dict[int, list[float | None]] = {}
    for seed in range(20):
        figures = score_rows(metric_named("auc"), truth, chances, np.arange(5), seed)
        defined = sum(each is not None for each in figures.replicates)
        found.setdefault(min(defined, 2), []).append(figures.standard_error)
    assert set(found[0] + found[1]) == {None}
    assert set(found[2]) == {0.0}


def test_claims_behind_a_link_are_not_read(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "evidence.json"
    real.write_text('{"a": 1}')
    link.symlink_to(real)
    assert read_claims(real) == Claims(figures={"a": 1.0})
    assert read_claims(link) == Claims()
