"""What benchmarks of whole runs share: scripts run once, results kept, limits counted in CPU time."""

from functools import partial
from pathlib import Path

import anyio
import pytest
from pydantic import BaseModel

from benchmarks.shared.runs import Cached, Counted, Unhurried, _played, all_at_once, kept
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.store.artefacts import Artefacts
from gome.executors.choose_sandbox import Sandbox, SandboxLevel
from gome.executors.launch import Cause, Launch, Limits, Slot
from gome.executors.local import LocalExecutor
from tests.viewer.sample import sample_run


def test_a_script_is_run_once_for_all_that_ask_for_it(tmp_path: Path) -> None:
    asked: list[ScriptRun] = []

    async def ask() -> None:
        artefacts = Artefacts(tmp_path)
        locks: dict[str, anyio.Lock] = {}
        one, other = (Cached(artefacts, tmp_path, "task 0", locks) for _ in range(2))
        foreign = Cached(artefacts, tmp_path, "task 1", {})
        refs = [await artefacts.put(text) for text in ("# plan: x\nprint(1)\n", "# plan: y\nprint(1)\n", "print(2)\n")]
        first, again, another = (ScriptRun(script_ref=ref, view="split-0", seed=0, seconds=9.0) for ref in refs)

        async def get(known: Cached, request: ScriptRun, cause: Cause = Cause.OK) -> ScriptRan:
            async def run() -> ScriptRan:
                asked.append(request)
                await anyio.sleep(0.01)
                return ScriptRan(cause=cause, words="run", meter={"scripts": 1.0})

            return await known.get(request, run)

        async with anyio.create_task_group() as group:  # at the same time
            group.start_soon(get, one, first)
            group.start_soon(get, other, first)
        assert len(asked) == 1, "two runs share it"
        assert (one.counted.found, other.counted.found) in ((0, 1), (1, 0))
        found = await get(other, again)
        assert len(asked) == 1, "only what is said about the code differs"
        assert (found.reused, found.meter) == (False, {"scripts": 1.0}), "the run is what it would be by itself"
        assert (await get(other, again)).reused, "its own"
        await get(one, another)
        await get(one, first.model_copy(update={"seed": 1}))
        await get(one, first.model_copy(update={"view": "holdout"}))
        await get(foreign, first)
        counted = foreign.counted
        given_up = await get(foreign, another, Cause.ABANDONED)
        assert (given_up.cause, foreign.counted) == (Cause.ABANDONED, counted)
        assert (await get(foreign, another)).cause is Cause.OK, "what was not seen to its end is run again"

    anyio.run(ask)
    assert len(asked) == 7, "other code, another seed, other data, another task, and that which was given up"


class Number(BaseModel):
    value: int


def test_results_are_kept_and_come_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    made: list[int] = []

    async def number(value: int) -> Number:
        async def make() -> Number:
            made.append(value)
            return Number(value=value)

        return await kept(tmp_path, f"n{value}", Number, make)

    async def run() -> list[Number]:
        return await all_at_once(2, [partial(number, value) for value in (3, 1, 2)])

    expected = [Number(value=3), Number(value=1), Number(value=2)]
    assert anyio.run(run) == expected
    assert anyio.run(run) == expected
    assert sorted(made) == [1, 2, 3], "the second time they are read"


@pytest.mark.parametrize(
    ("source", "cause"), [("import time; time.sleep(1.2)", Cause.OK), ("while True: pass", Cause.CPU)]
)
def test_a_limit_is_of_cpu_time(source: str, cause: Cause, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    script = workspace / "solution.py"
    script.write_text(source)
    launch = Launch(script=script, workspace=workspace, limits=Limits(wall=0.8))
    executor = Unhurried(LocalExecutor(Sandbox(SandboxLevel.NONE)))
    assert anyio.run(executor.run, launch, Slot(index=0)).cause is cause


def test_a_run_is_the_same_whichever_trial_of_a_step_is_done_first() -> None:
    envelopes = sample_run().envelopes
    played = _played(envelopes, Counted())
    assert [diagnosis.score for diagnosis in played.diagnoses] == [0.47, 0.49, 0.43, 0.41, 0.445, None]
    assert _played(envelopes[::-1], Counted()) == played
