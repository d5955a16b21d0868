"""Scripts that cheat, through the whole ring: what they look for is not there, and what they claim is not believed.

An honest script comes first. Then one that looks up the labels of its test rows by id and by content, one that
claims a score in its evidence and on its output, and one that writes a file of "out-of-fold predictions" of its own.
"""

import pytest

from gome.agents.protocol.messages import Diagnosis
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, conducted
from tests.agents.helpers.stubs import line, small, small_task, writing

pytestmark = pytest.mark.xdist_group("dishonest")  # they share one run

LOOKS_UP = line(
    0.9,
    """
by_id = {row["id"]: row["y"] for row in train}
by_content = {tuple(row[name] for name in row if name not in ("id", "y")): row["y"] for row in train}
known = [by_id.get(row["id"]) or by_content.get(tuple(row[name] for name in row if name != "id")) for row in test]
beside = [path for path in Path(given.data).rglob("*") if "answer" in path.name or "fold" in path.name]
print(f"found {sum(each is not None for each in known)} labels and {len(beside)} files")
""",
)
CLAIMS = line(
    0.9,
    """
Path(given.out, "evidence.json").write_text('{"score": 0.0001, "validation_rmse": 0.0001}')
print("score 0.0001")
""",
)
OUT_OF_FOLD = line(
    0.9,
    """
Path(given.out, "oof.csv").write_text("\\n".join(["id,y,split", *(f"{row['id']},{row['y']},0" for row in train)]))
""",
)
SCRIPTS = {1: line(0.9), 2: LOOKS_UP, 3: CLAIMS, 4: OUT_OF_FOLD}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("own")
    with ModelServer(writing(lambda _, step: SCRIPTS[step])) as server:
        method = {"racing": {"enabled": False}, "finish": {"candidates": 4, "per_trace": 4, "seeds": 1}}
        scenario = small(small_task(folder), server, traces=1, budget={"trials": len(SCRIPTS)}, method=method)
        return conducted(scenario, folder / "run")


def test_they_gain_nothing(run: Run) -> None:
    said = {envelope.step: diagnosis for envelope, diagnosis in run.all(Diagnosis) if envelope.step}
    assert len({diagnosis.score for diagnosis in said.values()}) == 1, "all predict alike, whatever they say"
    effects = [said[step].effect for step in (2, 3, 4)]
    assert [effect.gain if effect else None for effect in effects] == [0.0, 0.0, 0.0]
    assert said[1].score is not None
    assert said[1].score > 0.1


def test_no_label_of_a_test_row_is_anywhere_in_the_data(run: Run) -> None:
    looked = [ran for envelope, _, ran in run.scripts if envelope.step == 2]
    for ran in looked:
        assert ran.output_ref is not None
        printed = (run.folder / "artefacts" / ran.output_ref[:2] / ran.output_ref[2:]).read_text()
        assert "found 0 labels and 0 files" in printed


def test_a_claim_is_shown_and_not_believed(run: Run) -> None:
    (third,) = [diagnosis for envelope, diagnosis in run.all(Diagnosis) if envelope.step == 3]
    assert third.evaluation is not None
    assert third.evaluation.claims == {"score": 0.0001, "validation_rmse": 0.0001}
    assert third.evaluation.verified
    assert third.evaluation.score == third.score != 0.0001


def test_one_solution_is_a_finalist(run: Run) -> None:
    assert len(run.finished.ranking) == 1, "what predicts the same is run again once"
