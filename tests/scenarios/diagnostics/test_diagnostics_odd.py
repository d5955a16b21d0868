"""Diagnostics of odd data never fail, are the same each time, and hold no cell where none may be shown."""

import numpy as np
import pytest
from pandas import DataFrame

from gome.scenarios.diagnostics.judged_rows import Case
from gome.scenarios.diagnostics.measure import diagnose
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.diagnostics.sliced_table import SlicedTable
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import metric_named
from gome.scenarios.profiling.shifts import find_shifts
from tests.scenarios.helpers.planted import brief_of, diagnosed, folds_of

ROWS = 1500
CLASSES = ("amber", "beryl", "coral")


def draw() -> np.random.Generator:
    return np.random.default_rng(11)


def column(values: Array) -> Array:
    return np.asarray(values, dtype=float)[:, None]


def odd_table(rows: int) -> DataFrame:
    rng = draw()
    return DataFrame(
        {
            "gone": [None] * rows,
            "nan": np.full(rows, np.nan),
            "mixed": [(7, "seven", None, 7.5, True)[place % 5] for place in range(rows)],
            "endless": np.where(rng.random(rows) < 0.5, np.inf, rng.normal(size=rows)),
            "zeros": np.where(rng.random(rows) < 0.9, 0.0, rng.normal(size=rows)),
            "huge": rng.normal(size=rows) * 1e300,
            "same": ["all alike"] * rows,
            "dates": ["2024-01-31" if place % 3 else None for place in range(rows)],
            "late": [f"{place % 9000 + 1000}-01-01" for place in range(rows)],
            "digits": ["9" * 500 + f" {place} ²٣" for place in range(rows)],
            "flag": rng.random(rows) < 0.5,
        }
    )


@pytest.mark.parametrize("rows", [1, 2, 7, 300])
@pytest.mark.parametrize("shown", [0, 1, 10])
def test_odd_data_never_fail(rows: int, shown: int) -> None:
    rng, table = draw(), odd_table(rows)
    noise, classes = rng.normal(size=(rows, 1)), rng.integers(0, 3, rows)
    spoiled = np.where(np.arange(rows)[:, None] % 4 == 3, np.nan, noise)
    endless = np.where(np.arange(rows)[:, None] % 4 == 3, 1e200, noise)
    shares = rng.dirichlet(np.ones(3), rows)
    yes = (noise > 0).astype(float)
    three, two = brief_of("log-loss", "multiclass", CLASSES), brief_of("auc", "binary", ("no", "yes"))
    labels, ranked = brief_of("qwk", "multiclass", CLASSES), brief_of("f1", "binary", ("no", "yes"))
    cases: list[tuple[TaskBrief, Array, Array, Array | None]] = [
        (brief_of("rmse"), np.ones((rows, 1)), np.ones((rows, 1)), np.ones((rows, 1))),
        (brief_of("rmse"), noise, spoiled, endless),
        (brief_of("mae"), noise * 1e300, -noise * 1e300, noise),
        (brief_of("rmsle"), np.abs(noise), np.abs(noise) * 3, -np.abs(noise) - 5),
        (brief_of("rmsle"), np.abs(noise), -np.abs(noise) * 3, None),
        (brief_of("spearman", targets=("p", "q")), np.hstack([noise, noise]), np.hstack([noise, -noise]), None),
        (three, classes, shares, shares[:, ::-1]),
        (three, classes, np.zeros((rows, 3)), shares),
        (labels, classes, rng.integers(0, 3, rows), classes),
        (ranked, classes % 2, np.zeros(rows, dtype=int), classes % 2),
        (two, yes, np.abs(np.sin(noise)), np.full((rows, 1), 0.5)),
    ]
    for brief, truth, said, best in cases:
        case = Case(
            features=SlicedTable(table, ("late", "no such column")),
            at=np.arange(rows),
            trained=dict(enumerate([(np.arange(rows), np.arange(0)), *folds_of(rows)])),
            truth=truth,
            prediction=said,
            brief=brief,
            metric=metric_named(brief.metric),
            best=best,
            known=None if best is None else np.arange(rows) % 2 == 0,
            shown=shown,
        )
        found = diagnose(case)
        if found is not None:
            assert Diagnostics.model_validate_json(found.model_dump_json()) == found
            assert len(found.dearest) <= shown
    assert find_shifts([(str(name), table[name], table[name][::-1]) for name in table]) == ()


def test_a_task_without_features_and_one_without_a_finite_loss() -> None:
    bare = DataFrame(index=range(30))
    found = diagnosed(bare, column(draw().normal(size=30)), np.zeros((30, 1)))
    assert found.slices == () and found.columns == () and found.dearest[0].cells == ()
    case = Case(
        features=SlicedTable(bare),
        at=np.arange(30),
        trained=dict(enumerate(folds_of(30))),
        truth=np.ones((30, 1)),
        prediction=np.full((30, 1), np.nan),
        brief=brief_of("rmse"),
        metric=metric_named("rmse"),
    )
    assert diagnose(case) is None


def test_the_same_case_gives_the_same_record_and_many_rows_are_thinned() -> None:
    rng, rows = draw(), 210_000
    table, truth = DataFrame({"x": rng.normal(size=rows)}), rng.normal(size=rows)
    found = diagnosed(table, column(truth), np.zeros((rows, 1)))
    assert (found.rows, found.looked_at) == (rows, 200_000)
    assert found == diagnosed(table, column(truth), np.zeros((rows, 1)))


def test_no_cell_stands_where_no_row_may_be_shown() -> None:
    rng = draw()
    towns = [f"canary{place}town" for place in range(30)]
    town, size = rng.choice(towns, ROWS), rng.integers(7_000_000, 7_900_000, ROWS)
    texts = [f"canary words with {each} in them and a few more" for each in rng.integers(8_000_000, 8_900_000, ROWS)]
    day = (np.datetime64("1987-01-01") + rng.integers(0, 300, ROWS)).astype(str)
    few = rng.choice([911.75, 912.75, 913.75], ROWS)
    table = DataFrame({"town": town, "size": size, "text": texts, "day": day, "few": few})
    noise = 1e6 * rng.normal(size=ROWS) * (1 + (town == towns[3])) + 1e5 * (size > 7_500_000) + few
    labels = ("canaryno", "canaryyes", "canarymaybe")
    cases = (
        (brief_of("rmse"), column(6_000_000 + noise), column(6_000_000 + 0 * noise)),
        (brief_of("qwk", "multiclass", labels), rng.integers(0, 3, ROWS), rng.integers(0, 3, ROWS)),
    )
    for brief, truth, said in cases:
        best = np.asarray(said + 1) if brief.task_type == "regression" else (truth + 1) % 3
        found = diagnosed(table, truth, said, brief, best=best, rows=0)
        text = found.model_dump_json()
        assert found.slices and "canary" not in text and "1987-" not in text and not found.dearest
        for cells in (few, size, texts, day, truth.ravel() if brief.task_type == "regression" else ()):
            assert not any(
                str(cell) in text or f"{cell:.6g}" in text for cell in set(cells) if not isinstance(cell, str)
            )
        open_text = diagnosed(table, truth, said, brief, best=best, rows=4).model_dump_json()
        assert "canary" in open_text
    assert any("by frequency" in part.value or "part " in part.value for part in found.slices)
