"""The recorded model through the `openai` backend, request by request, its scripts run for real under the contract."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.backends.openai.backend import OpenAIBackend
from gome.agents.protocol.replies import Assessment, Script, Step, Survey
from gome.agents.protocol.requests import Request
from gome.agents.protocol.types import Hypothesis, Solution
from gome.errors import Outage
from gome.scenarios.config.scenario import OpenAIBackend as Settings
from gome.scenarios.evaluation.harness import FILES, Harness
from gome.scenarios.evaluation.views import ViewName
from gome.scenarios.evidence import Evaluation
from gome.scenarios.task.task import Task
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.recorded_model import RecordedModel

BIKE = Path(__file__).parents[3] / "scenarios" / "tasks" / "bike-demand"


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Harness:
    return Harness(Task.load(BIKE), tmp_path_factory.mktemp("views"), seed=7)


def run_script(harness: Harness, script: str, view: ViewName, out: Path) -> tuple[Evaluation, str]:
    """Run a script as the contract says and let the harness judge it."""
    out.mkdir()
    (out / "solution.py").write_text(script)
    command = [
        sys.executable,
        str(out / "solution.py"),
        "--data",
        str(harness.data(view)),
        "--out",
        str(out),
        "--seed",
        "7",
    ]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # threads that outnumber free cores only wait for each other
    done = subprocess.run(command, env=one_thread, capture_output=True, text=True, timeout=120, check=False)
    return harness.judge(view, {name: out / name for name in FILES if (out / name).exists()}).evaluation, done.stderr


async def converse(backend: OpenAIBackend, harness: Harness, folder: Path) -> list[Evaluation]:
    """Two steps of a trace by hand: what the roles do, without the bus."""
    common = {"task": harness.task.brief, "profile": harness.profile}

    async def ask(request: Request[Any]) -> Any:
        return request.reply_type().model_validate((await backend.answer(request)).reply)

    survey: Survey = await ask(made.survey_task(**common))
    assert {each.source for each in survey.challenges} == {"scenario"}
    step: Step = await ask(made.first_step(**common, challenges=survey.challenges))
    assert {each.challenge for each in step.candidates} <= set(range(1, len(survey.challenges) + 1))
    assert len(step.choice) == 2, "a first solution takes what goes together"
    tried = chosen(step)
    writing = common | {"step": 1, "hypotheses": tried}
    first: Script = await ask(made.write_solution(**writing, base=None, sketch=step.sketch))
    broken, words = run_script(harness, first.script, "debug", folder / "broken")
    assert not broken.valid
    assert "KeyError: 'hour'" in words
    mended: Script = await ask(made.repair_solution(**writing, script=first.script, output=words, evaluation=broken))
    full, words = run_script(harness, mended.script, "split-0", folder / "full")
    assert full.valid, words
    judging = common | {"step": 1, "hypotheses": tried, "incumbent": None, "history": ()}
    verdict: Assessment = await ask(
        made.assess_trial(**judging, script=mended.script, evaluation=full, effect=None, wanted=("scenario",))
    )
    assert verdict.alignment == "aligned"
    assert verdict.finding

    best = Solution(script=mended.script, evaluation=full, seconds=0)
    step = await ask(made.propose_step(**common, base=best, challenges=verdict.challenges, recalled=()))
    assert step.choice == (1,)
    change: Script = await ask(
        made.write_solution(**common, base=best.script, hypotheses=chosen(step), sketch=step.sketch)
    )
    better, _ = run_script(harness, change.script, "split-0", folder / "better")
    await ask(made.assess_trial(**common, incumbent=best, script=change.script, evaluation=better))
    return [full, better]


def chosen(step: Step) -> tuple[Hypothesis, ...]:
    """What the step implements, in the shape in which it is written."""
    taken = (step.candidates[number - 1] for number in step.choice)
    return tuple(Hypothesis.model_validate(dict(each) | {"challenge": ""}) for each in taken)


def test_a_recorded_trial_with_a_repair_and_a_step_that_improves(harness: Harness, tmp_path: Path) -> None:
    with ModelServer(RecordedModel.load("bike_demand").turn) as server:

        async def talk() -> list[Evaluation]:
            backend = OpenAIBackend(
                Settings(kind="openai", model="m", base_url=server.base_url), "recorded", environment={}
            )
            try:
                return await converse(backend, harness, tmp_path)
            finally:
                await backend.aclose()

        full, better = anyio.run(talk)
    assert full.valid
    assert better.valid
    assert full.score is not None
    assert better.score is not None
    assert better.score < full.score < (harness.dummy_score() or 0.0)
    assert better.score < 0.5
    assert [(ask.kind, ask.step) for ask in server.asks] == [
        ("survey_task", 0),
        ("propose_step", 1),
        ("write_solution", 1),
        ("repair_solution", 1),
        ("assess_trial", 1),
        ("propose_step", 2),
        ("write_solution", 2),
        ("assess_trial", 2),
    ]
    print(f"recorded scores: {full.score:.4f}, then {better.score:.4f}")


def test_what_was_not_recorded_is_said() -> None:
    with ModelServer(RecordedModel.load("bike_demand").turn) as server:

        async def ask() -> None:
            backend = OpenAIBackend(
                Settings(kind="openai", model="m", base_url=server.base_url), "recorded", environment={}
            )
            with pytest.raises(Outage, match="nothing was recorded for survey_task at step 9"):
                await backend.answer(made.survey_task(step=9))
            await backend.aclose()

        anyio.run(ask)
