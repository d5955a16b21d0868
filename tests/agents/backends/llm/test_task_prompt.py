"""The data, and what was measured of a trial, as prompts show them: fenced, and without a cell where none may stand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pandas import DataFrame

from gome.agents.backends.llm.prompting import TEMPLATES, Clip
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.evidence import Profile, Shift
from tests.agents.helpers import requests_made as made
from tests.scenarios.helpers.planted import brief_of, diagnosed

CELLS = tuple(f"canary{place}town" for place in range(5))


def filled(template: str, **values: Any) -> str:
    """A piece of a prompt; its figures are those of the prompts."""
    environment = Environment(  # noqa: S701  # a prompt is not HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["figure"] = lambda value, digits=5: "–" if value is None else f"{value:.{digits}g}"
    return environment.from_string(template).render(clip=Clip(1.0), **values)


def measured(rows: int, kind: str = "regression") -> Diagnostics:
    """A table of twelve columns, on which a trial errs here and the best there."""
    rng = np.random.default_rng(5)
    table = DataFrame({f"column_{number}": rng.normal(size=3000).round(3) for number in range(10)})
    table = table.assign(town=rng.choice(CELLS, 3000), when=(np.datetime64("1987-01-01") + rng.integers(0, 300, 3000)))
    table["when"] = table["when"].astype(str)
    heard, other = table["column_0"].to_numpy(), table["column_1"].to_numpy()
    truth = heard + 2 * (table["town"] == CELLS[2]).to_numpy()
    if kind == "regression":
        best = truth + np.where(other > 1, 1.0, 0.01)
        return diagnosed(table, truth[:, None], heard[:, None], best=best[:, None], rows=rows)
    numbers, brief = np.digitize(truth, [0, 1]), brief_of("log-loss", "multiclass", CELLS[:3])
    shares = np.eye(3)[np.digitize(heard, [0, 1])] * 0.8 + 0.2 / 3
    return diagnosed(table, numbers, shares, brief, best=shares[:, ::-1], rows=rows)


DIAGNOSTICS = '{% import "_diagnostics.j2" as show %}{{ show.diagnostics(clip, it) }}'


@pytest.mark.parametrize("kind", ["regression", "multiclass"])
def test_diagnostics_are_compact_and_fenced(kind: str) -> None:
    found = measured(10, kind)
    text = filled(DIAGNOSTICS, it=found)
    assert text.startswith("<material id=") and len(text) < 7000
    print(f"{kind}: {len(text)} characters")
    assert all(f"{row.share_of_loss:.5g}" in text for row in found.dearest)
    assert f"town = {CELLS[2]} |" in text and CELLS[2] in text
    assert "More that got most worse:" in text and ("True classes" in text) == (kind == "multiclass")
    assert not any(line.endswith(" ") for line in text.splitlines())


@pytest.mark.parametrize("kind", ["regression", "multiclass"])
def test_diagnostics_without_rows_hold_no_cell(kind: str) -> None:
    text = filled(DIAGNOSTICS, it=measured(0, kind))
    assert "canary" not in text and "1987" not in text and "Dearest" not in text
    assert "town = category no." in text


def asked(profile: Profile, **fields: Any) -> dict[str, Any]:
    return {"task": made.TASK, "profile": profile, **fields}


def test_the_profile_shows_sample_rows_and_shifts_and_no_cell_where_none_may_be_shown() -> None:
    shifts = (
        Shift(feature="hr", measure="ks", distance=0.4, train=3.0, test=9.5),
        Shift(feature="town", measure="tv", distance=0.3, train=0.1, test=0.4, value=CELLS[3]),
        Shift(feature="gappy", measure="missing", distance=0.2, train=0.0, test=0.2),
    )
    column = replace(made.PROFILE.columns[1], examples=CELLS[:2], minimum=918273.0, maximum=928374.0, mean=923000.5)
    changed = {
        "columns": (column,),
        "sample_columns": ("id", "town", "bikers"),
        "sample": tuple((str(place), CELLS[4], "77665") for place in range(10)),
        "shifts": shifts,
        "periods": (f"{CELLS[0]} to {CELLS[1]}", f"{CELLS[1]} to {CELLS[2]}"),
    }
    profile = made.PROFILE.model_copy(update=changed)
    whole = filled("{% include '_task.j2' %}", request=asked(profile))
    assert f"in `day`: split 0: {CELLS[0]} to {CELLS[1]}; the test: {CELLS[1]} to {CELLS[2]}." in whole
    assert "id | town | bikers" in whole and whole.count(f"{CELLS[4]} | 77665") == 10
    assert "hr: the shares of rows below some value differ by 0.4; mean in training 3, in the test 9.5" in whole
    assert f"most {CELLS[3]}, of which 0.1 in training, 0.4 in the test" in whole
    assert "918273" in whole or "9.1827e+05" in whole
    assert filled("{% include '_task.j2' %}", request=asked(profile, rows=3)).count(CELLS[4]) == 3
    closed = filled("{% include '_task.j2' %}", request=asked(profile, rows=0))
    assert not any(each in closed for each in (*CELLS, "77665", "9.1827e+05", "9.2837e+05", "918273"))
    assert "9.23e+05" in closed and "town: the shares of the categories differ by 0.3" in closed


@pytest.mark.parametrize("rows", [10, 0])
def test_a_column_is_told_by_its_frequent_values_or_its_median_unless_no_row_may_be_shown(rows: int) -> None:
    request = made.assess_trial().model_copy(update={"rows": rows})
    text = filled('{% include "_task.j2" %}', request=request)
    assert ("| clear 3100; mist 1500; … |" in text) == (rows > 0)
    assert ("| 0 / 12 / 23 |" in text) == (rows > 0)
    assert ("| 11.6 |" in text) == (rows == 0)
