"""Scripts that cheat, through the whole ring on a user's own data: no leaderboard, no answers, a scripted model.

The data are a table that `gome task new` made a task of. An honest script comes first; then one that is fitted on all
rows, one that copies the target into its out-of-fold file, one that prints a score it never computed, and one that is
fitted on all rows only where nothing watches. They look better; none is kept, and each Diagnosis says why.
"""

import re
from pathlib import Path

import anyio
import pytest

from agents.conduct import conduct
from agents.messages import Diagnosis
from scenarios.newtask import new_task
from scenarios.schema import Scenario
from tests.agents.model_server import Ask, ModelServer, Play, say
from tests.agents.recorded_model import RecordedModel
from tests.agents.runs import Run, read_run
from tests.scenarios.leaky import LEAKS, ONLY_IN_FULL, Change, source_with
from tests.scenarios.make_task import make_task

CHEATS: tuple[Change, ...] = (
    LEAKS["all rows fitted anew in every split"][1],
    LEAKS["the target as it is"][1],
    LEAKS["a score made up"][1],
    ONLY_IN_FULL,
)
WORDS = {
    2: "the models have seen the rows",
    3: "it was copied, not predicted",
    4: "prints a score of 0.0123",
    5: "follow labels of their own rows",
}


def scripted(ask: Ask) -> Play:
    """The recorded reasoning of two steps, the second repeated, with scripts of ours."""
    if ask.kind == "write_solution":
        source = source_with(CHEATS[ask.step - 2] if ask.step > 1 else (), [])
        return say(f"As asked.\n\n```python\n{source}```\n")
    recorded = RecordedModel.load("bike_demand").replies
    return say(recorded[ask.kind, min(ask.step, 2)][0])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("own")
    table = make_task(home / "table", rows=600) / "prepared" / "public" / "train.csv"
    task = new_task(home / "task", table, ["y"], "rmse").folder
    with ModelServer(scripted) as server:
        scenario = Scenario.model_validate(
            {
                "name": "own-data",
                "task": str(task),
                "traces": 1,
                "budget": {"trials": 1 + len(CHEATS)},
                "seed": 7,
                "backends": {"scripted": {"kind": "openai", "model": "scripted", "base_url": server.base_url}},
                "roles": {"diagnoser": "scripted", "proposer": "scripted", "executor": "scripted"},
                "executors": {"slots": 1, "timeout": {"debug": "60s", "full": "60s"}},
                "method": {"finish": {"candidates": 5, "per_trace": 5, "seeds": 1}},
            }
        )
        finished = anyio.run(lambda: conduct(scenario, home / "own.yaml", home / "run", run_id="run"))
    assert finished is not None
    return read_run(home / "run", finished)


def test_the_honest_script_wins(run: Run) -> None:
    assert run.finished.winner is not None
    assert run.finished.winner.step == 1
    assert [ranking.finalist.step for ranking in run.finished.ranking] == [1]


def test_each_diagnosis_says_why(run: Run) -> None:
    said = {envelope.step: diagnosis for envelope, diagnosis in run.all(Diagnosis) if envelope.step}
    assert said[1].verdict == "accepted"
    for step, words in WORDS.items():
        assert (said[step].verdict, said[step].layer, said[step].erased) == ("rejected", "alignment", True)
        assert said[step].score is None
        assert re.search(words, said[step].reason), said[step].reason


def test_by_their_scores_alone_three_of_them_would_have_won(run: Run) -> None:
    scores = {
        envelope.step: diagnosis.evaluation.score
        for envelope, diagnosis in run.all(Diagnosis)
        if diagnosis.evaluation is not None and diagnosis.evaluation.score is not None
    }
    assert scores[3] == 0.0 < scores[2] < scores[1] == scores[4]  # of rmse, smaller is better
    assert scores[5] == scores[2]


def test_the_honest_script_has_no_leak(run: Run, tmp_path: Path) -> None:
    first = next(diagnosis for envelope, diagnosis in run.all(Diagnosis) if envelope.step == 1)
    assert first.evaluation is not None
    assert first.evaluation.leaks == ()
