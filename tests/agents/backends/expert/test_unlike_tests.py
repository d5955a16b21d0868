"""Tables whose test is unlike other rows: what is shipped is near what one who knew the table would do."""

from pathlib import Path

import anyio
import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame
from sklearn.linear_model import Ridge

from benchmarks.shared.runs import open_stage
from gome.scenarios.authoring.from_table import new_task
from gome.scenarios.config.scenario import Scenario

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

_TRIALS = 6
_NEAR = 1.1


def _seasons() -> tuple[DataFrame, DataFrame, DataFrame]:
    """Four years of days with a rising level and a season, the last fifth as the test; third, the true features."""
    draw = np.random.default_rng(0)
    day = np.arange(1500)
    heat = draw.normal(size=len(day))
    turn = 2 * np.pi * day / 365.25
    served = 20 + 0.01 * day + 6 * np.sin(turn) + 3 * heat + draw.normal(0, 2, len(day))
    rows = DataFrame({"date": pd.Timestamp("2019-01-01") + pd.to_timedelta(day, "D"), "heat": heat, "served": served})
    known = DataFrame({"day": day / 1000, "sin": np.sin(turn), "cos": np.cos(turn), "heat": heat})
    return rows.iloc[:1200], rows.iloc[1200:], known


def _shops() -> tuple[DataFrame, DataFrame, DataFrame]:
    """Shops with a level of their own, of which the test has others; the third part is without the shop."""
    draw = np.random.default_rng(1)
    shop = np.repeat(np.arange(75), 20)
    size, price = draw.gamma(3.0, 1.0, 75)[shop], draw.normal(size=len(shop))
    sold = 4 * size - 3 * price + draw.normal(0, 2, 75)[shop] + draw.normal(0, 1, len(shop))
    names = draw.permutation(9000)[:75] + 1000
    rows = DataFrame({"shop_id": names[shop], "size": size, "price": price, "sold": sold})
    known = DataFrame({"size": size, "price": price})
    return rows.iloc[:1200], rows.iloc[1200:], known


def _shipped(folder: Path, train: DataFrame, test: DataFrame) -> tuple[str, float]:
    """The kind of validation that gome chose, and the test score of what a run submits."""
    paths = [folder / "train.csv", folder / "test.csv"]
    for path, part in zip(paths, (train, test), strict=True):
        part.to_csv(path, index=False)
    task = new_task(folder / "task", paths[0], [str(train.columns[-1])], "rmse", test=paths[1]).task
    scenario = Scenario.model_validate(
        {
            "name": "unlike",
            "task": "task",
            "traces": 2,
            "memory": {"consistency": "lockstep"},
            "budget": {"trials": _TRIALS},
            "seed": 0,
            "backends": {"expert": {"kind": "expert"}},
            "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "expert"),
            "executors": {"slots": 2, "threads": 1, "debug": False, "timeout": {"full": 120}},
        }
    )

    async def run() -> float:
        async with open_stage(scenario, folder / "task", "unlike", folder / "runs") as stage:
            played = await stage.play("unlike", scenario, None)
        assert played.finished.grade is not None
        assert played.finished.grade.score is not None
        return played.finished.grade.score

    return task.brief.split.kind, anyio.run(run)


@pytest.mark.parametrize(("made", "kind"), [(_seasons, "time"), (_shops, "group")])
def test_what_is_shipped_is_near_what_one_who_knew_the_table_would_do(made: object, kind: str, tmp_path: Path) -> None:
    assert callable(made)
    train, test, known = made()
    target = str(train.columns[-1])
    oracle = Ridge(1e-3).fit(known.iloc[: len(train)], train[target]).predict(known.iloc[len(train) :])
    best = float(np.sqrt(np.mean((test[target] - oracle) ** 2)))
    split, score = _shipped(tmp_path, train, test)
    print(f"{kind}: shipped {score:.4f}, oracle {best:.4f}")
    assert split == kind
    assert score <= _NEAR * best
