"""The search of constants: what it suggests, how settings race, and which one wins."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.method.racing import Stop
from gome.agents.scripts.script_run import ScriptRan
from gome.agents.scripts.split_runs import SplitRuns
from gome.agents.tuning.parameter_search import Found, Search, search
from gome.agents.tuning.parameters import Value, declared
from gome.agents.tuning.suggesting import Suggesting, Tried, suggest
from gome.bus.store.artefacts import Artefacts
from gome.executors.launch import Cause
from gome.scenarios.config.method import Tuning
from gome.scenarios.evaluation.scoring import merge
from gome.scenarios.evidence import Evaluation, SplitRule
from tests.agents.helpers.evaluations import run_of
from tests.agents.helpers.finishing import Straight
from tests.agents.helpers.requests_made import TASK

SCRIPT = 'PARAMS = {"x": (0.9, 0.0, 1.0), "n": (9, 1, 9), "kind": ("a", ["a", "b"])}\n'
PARAMETERS = declared(SCRIPT).parameters


def loss(values: Sequence[Value]) -> float:
    """Least, 1, at x = 0.3, n = 4 and b."""
    x, n, kind = values
    assert isinstance(x, float)
    assert isinstance(n, int)
    return 1 + abs(x - 0.3) + abs(n - 4) / 8 + (kind != "b")


def raced(script: str, split: int = 3) -> SplitRuns:
    found = loss([each.value for each in declared(script).parameters])
    runs = [ScriptRan(cause=Cause.OK, words="", evaluation=run_of(at, found, -0.1, 0.0, 0.1)) for at in range(split)]
    return SplitRuns(tuple(runs), None if split == 3 else Stop("worse", "worse"))


BASE = merge([run.evaluation for run in raced(SCRIPT).runs if run.evaluation], SplitRule(), 3)


def found(folder: Path, race: Any, over: Any = lambda _: False, script: str = SCRIPT, **settings: Any) -> Found:
    asked = Search(script, BASE, TASK, Tuning(**{"points": 40, **settings}), 3, 7)
    context: Any = Straight()
    return anyio.run(lambda: search(asked, race, over, context, Artefacts(folder)))


def test_it_finds_better_values_than_the_script_had_and_each_must_beat_the_best_so_far(tmp_path: Path) -> None:
    beats: list[float] = []

    async def race(script_ref: str, beat: Evaluation) -> SplitRuns:
        assert beat.score is not None
        beats.append(beat.score)
        return raced(Artefacts(tmp_path).read_now(script_ref).decode())

    best = found(tmp_path, race)
    assert best.script_ref is not None
    values = [each.value for each in declared(Artefacts(tmp_path).read_now(best.script_ref).decode()).parameters]
    assert loss(values) < 1.3 < loss([each.value for each in PARAMETERS])
    assert 30 <= best.searched.points == len(beats) <= 40
    assert beats == sorted(beats, reverse=True)
    assert [each.split()[0] for each in best.searched.changes] == ["x", "n", "kind"]
    assert best.searched.changes[2] == "kind a → b"


def test_a_setting_that_ran_on_every_split_comes_before_one_that_was_stopped(tmp_path: Path) -> None:
    async def race(script_ref: str, beat: Evaluation) -> SplitRuns:
        script = Artefacts(tmp_path).read_now(script_ref).decode()
        kind = declared(script).parameters[2].value
        return raced(script, 1 if kind == "b" else 3)

    best = found(tmp_path, race, points=8)
    assert best.runs is not None
    assert best.runs.stop is None


def test_it_ends_where_the_time_is_over_and_where_nothing_is_left_to_try(tmp_path: Path) -> None:
    async def race(script_ref: str, beat: Evaluation) -> SplitRuns:
        return raced(Artefacts(tmp_path).read_now(script_ref).decode())

    assert found(tmp_path, race, over=lambda _: True, together=3).searched.points == 3
    few = found(tmp_path, race, script='PARAMS = {"x": (0.9, 0.8, 0.9), "n": (1, 1, 2), "kind": ("a", ["a", "b"])}\n')
    assert few.searched.points <= 40
    one = found(tmp_path, race, script="x = 1\n")
    assert (one.script_ref, one.searched.words) == (None, "Nothing was tried.")


def test_where_every_setting_fails_nothing_is_found(tmp_path: Path) -> None:
    async def race(script_ref: str, beat: Evaluation) -> SplitRuns:
        return SplitRuns((ScriptRan(cause=Cause.EXIT, words="ended with 1"),), None)

    best = found(tmp_path, race, points=5)
    assert (best.script_ref, best.runs) == (None, None)
    assert best.searched.words == "5 settings tried; none worked."


def test_a_small_space_is_exhausted(tmp_path: Path) -> None:
    seen: list[str] = []

    async def race(script_ref: str, beat: Evaluation) -> SplitRuns:
        seen.append(script_ref)
        return SplitRuns((ScriptRan(cause=Cause.EXIT, words="ended with 1"),), None)

    tried = found(tmp_path, race, script='PARAMS = {"n": (1, 1, 3)}\n').searched.points
    assert tried == len(set(seen)) == 2, "2 and 3; 1 is what the script has"


@pytest.mark.parametrize("seed", range(3))
def test_suggestions_are_a_function_of_the_request_and_within_the_ranges(seed: int) -> None:
    own = tuple(each.value for each in PARAMETERS)
    tried = [Tried(setting=own, gain=0.0), Tried(setting=(0.5, 3, "b"), gain=None)]
    request = Suggesting(parameters=PARAMETERS, tried=tuple(tried), count=6, seed=seed)
    first, again = suggest(request), suggest(request)
    assert first == again
    assert len(first.settings) == 6
    for x, n, kind in first.settings:
        assert isinstance(x, float)
        assert 0 <= x <= 1
        assert isinstance(n, int)
        assert 1 <= n <= 9
        assert kind in ("a", "b")
    assert suggest(request.model_copy(update={"seed": seed + 10})) != first
