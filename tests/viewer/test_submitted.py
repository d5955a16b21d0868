"""What a run submitted, where this is not its best step's own: told on every screen, and made again by its README."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agents.ideas import Blend, Finalist, FinalRanking
from agents.messages import RunFinished, RunOpened
from scenarios.harness import Harness
from scenarios.tasks import Task
from tests.scenarios.make_task import make_task
from tests.viewer.sample import RUN, Sample, sample_run
from tests.viewer.test_commands import document, gome
from viewer.average import average
from viewer.average import main as mean_of
from viewer.headline import headline
from viewer.report import render
from viewer.submitted import submitted_by

MEAN = "0.4180 on the private answers, of the mean of steps 1.2 and 0.2; silver medal"
SCRIPT = """\
import argparse
from pathlib import Path

import pandas as pd

parser = argparse.ArgumentParser()
for name in ("--data", "--out", "--seed"):
    parser.add_argument(name)
asked = parser.parse_args()
data = Path(asked.data)
asked_for, told = pd.read_csv(data / "test.csv"), pd.read_csv(data / "train.csv")["y"]
submission = pd.DataFrame({"id": asked_for["id"], "y": asked_for["age"] * WEIGHT + told.mean() + int(asked.seed)})
submission.to_csv(f"{asked.out}/submission.csv", index=False)
"""


def finished(sample: Sample) -> RunFinished:
    message = sample.envelopes[-1].message
    assert isinstance(message, RunFinished)
    return message


def conclude(sample: Sample, message: RunFinished) -> None:
    sample.envelopes[-1] = replace(sample.envelopes[-1], message=message)


def second(sample: Sample) -> Finalist:
    """Another finalist beside the winner: step 0.2."""
    winner = finished(sample).winner
    assert winner is not None
    return winner.model_copy(update={"trace": 0, "step": 2, "score": 0.43})


def blended(sample: Sample, submission: str, *, taken: bool = True) -> Sample:
    """The same run, in which the mean of steps 1.2 and 0.2 was looked at too, and submitted where it was `taken`."""
    message, other = finished(sample), second(sample)
    ranked = FinalRanking(finalist=other, scores=(0.42,), mean=0.42, spread=None, gap=-0.01, misaligned=False)
    ref = sample.put(submission)
    blend = Blend(members=((1, 2), (0, 2)), scores=(0.407,), mean=0.407, spread=None, taken=taken, submission_ref=ref)
    conclude(sample, message.model_copy(update={"blend": blend, "ranking": (*message.ranking, ranked)}))
    return sample


@pytest.fixture
def mixed(runs: Path) -> str:
    """The id of a run that submitted a mean."""
    sample = blended(sample_run(run="261125-0000-mixed-0000"), "id,bikers\n1,mean\n")
    sample.write(runs / sample.run)
    return sample.run


def test_the_test_score_says_whose_it_is(runs: Path, mixed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("best", mixed) == 0
    shown = capsys.readouterr().out
    assert "submitted   the mean of steps 1.2 and 0.2, 0.4070 on the hold-out" in shown
    assert f"test score  {MEAN}" in shown
    assert gome("best", RUN) == 0
    shown = capsys.readouterr().out
    assert "submitted   step 1.2, 0.4140 on the hold-out" in shown
    assert "test score  0.4180 on the private answers, of step 1.2; silver medal" in shown
    assert gome("best", mixed, "--json") == 0
    best = document(capsys, "best")
    assert (best["step"], best["score"]) == ("1.2", 0.41)
    assert (best["submission_of"], best["holdout_score"], best["test_score"]) == (["1.2", "0.2"], 0.407, 0.418)


def test_a_mean_that_was_not_taken_was_not_submitted() -> None:
    sample = blended(sample_run(), "id,bikers\n1,mean\n", taken=False)
    submitted = submitted_by(finished(sample))
    assert submitted is not None
    assert (submitted.whose, submitted.holdout) == ("step 1.2", 0.414)


def test_without_private_answers_the_hold_out_is_what_is_known() -> None:
    submitted = submitted_by(finished(sample_run()).model_copy(update={"grade": None}))
    assert submitted is not None
    assert submitted.on_the_test == "–"
    assert submitted.at_the_finish == "step 1.2, 0.4140 on the hold-out"


def test_lists_and_comparisons_keep_step_and_submission_apart(
    runs: Path, mixed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gome("runs", "--json") == 0
    rows = {each["run"]: each["submission_of"] for each in document(capsys, "runs")}
    assert (rows[mixed], rows[RUN]) == (["1.2", "0.2"], ["1.2"])
    assert gome("runs") == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "0.4180  mean of 2  " in lines[mixed]
    assert "0.4180  1.2  " in lines[RUN]
    assert gome("compare", RUN, mixed) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("test of"))
    assert re.split(r"  +", line) == ["test of", "step 1.2", "the mean of steps 1.2 and 0.2"]
    assert gome("compare", RUN, mixed, "--json") == 0
    assert document(capsys, "compare")["submission_of"] == [["1.2"], ["1.2", "0.2"]]


def test_the_last_message_and_the_report_say_it_too() -> None:
    sample = blended(sample_run(), "id,bikers\n1,mean\n")
    assert f"best is 1.2, score 0.4100; test score {MEAN}" in headline(sample.envelopes[-1])
    page = render(sample.envelopes, sample)
    assert "private test of the mean of steps 1.2 and 0.2, silver medal" in page
    plain = sample_run()
    assert "private test of step 1.2, silver medal" in render(plain.envelopes, plain)


def own_run(folder: Path, weights: dict[str, float]) -> tuple[Sample, list[Path]]:
    """A run of a real task whose finalists are scripts of those weights by step, and what each really predicted.

    Its data are beside it, since the folder of a run is made with its log.
    """
    task = Task.load(make_task(folder / "a task"))
    Harness(task, folder / "data", seed=7).prepare()
    sample = sample_run(run="real")
    first = sample.envelopes[0].message
    assert isinstance(first, RunOpened)
    changed = first.model_copy(update={"task": task.brief, "task_path": str(folder / "a task")})
    sample.envelopes[0] = replace(sample.envelopes[0], message=changed)
    message, predicted = finished(sample), []
    ranking = []
    for step, weight in weights.items():
        script = SCRIPT.replace("WEIGHT", str(weight))
        out = folder / f"out {step}"
        out.mkdir()
        asked = ["--data", str(folder / "data" / "full"), "--out", str(out), "--seed", "7"]
        subprocess.run([sys.executable, "-c", script, *asked], check=True, timeout=60)
        predicted.append(out / "submission.csv")
        trace, number = map(int, step.split("."))
        refs = {"script_ref": sample.put(script), "submission_ref": sample.put(predicted[-1].read_text())}
        finalist = second(sample).model_copy(update={"trace": trace, "step": number, **refs})
        ranking.append(message.ranking[0].model_copy(update={"finalist": finalist}))
    conclude(sample, message.model_copy(update={"ranking": tuple(ranking), "winner": ranking[0].finalist}))
    return sample, predicted


def best_files(sample: Sample, folder: Path) -> Path:
    """The folder into which the best of that run was written."""
    sample.write(folder / "real")
    (folder / "data").rename(folder / "real" / "data")
    assert gome("best", "real", "--runs", str(folder), "-o", str(folder / "the best"), "--json") == 0
    return folder / "the best"


def made_again(best: Path) -> None:
    """Give a shell what the README in that folder prints, from another folder."""
    (commands,) = re.findall(r"```sh\n(.*?)```", (best / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run(["sh", "-e", "-c", commands], cwd=best.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_readme_makes_the_submission_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample, (predicted,) = own_run(tmp_path, {"1.2": 2.0})
    best = best_files(sample, tmp_path)
    assert document(capsys, "best")["readme"] == str(best / "README.md")
    assert (best / "submission.csv").read_bytes() == predicted.read_bytes()
    made_again(best)
    assert (best / "out" / "submission.csv").read_bytes() == predicted.read_bytes()
    assert "what the script predicted" in (best / "README.md").read_text(encoding="utf-8")


def test_the_readme_of_a_mean_names_its_scripts_and_makes_it_again(tmp_path: Path) -> None:
    sample, predicted = own_run(tmp_path, {"1.2": 2.0, "0.2": -1.0})
    mean = average(tmp_path / "a task", predicted)
    assert mean not in [each.read_text() for each in predicted]
    blend = Blend(
        members=((1, 2), (0, 2)), scores=(0.4,), mean=0.4, spread=None, taken=True, submission_ref=sample.put(mean)
    )
    conclude(sample, finished(sample).model_copy(update={"blend": blend}))
    best = best_files(sample, tmp_path)
    readme = (best / "README.md").read_text(encoding="utf-8")
    assert "| private test, of the mean of steps 1.2 and 0.2 | 0.4180 |" in readme
    assert "- `solution-0.2.py`: the script of step 0.2" in readme
    assert "- `submission.csv`: the mean of steps 1.2 and 0.2" in readme
    assert (best / "submission.csv").read_text() == mean
    made_again(best)
    assert (best / "submission-again.csv").read_text() == mean
    assert (best / "out-0.2" / "submission.csv").read_bytes() == predicted[1].read_bytes()


def test_what_has_no_mean_is_said_with_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = make_task(tmp_path / "task")
    sample = task / "prepared" / "public" / "sample_submission.csv"
    other = tmp_path / "other.csv"
    other.write_text("id,y\n", encoding="utf-8")
    assert mean_of([str(task), str(sample), str(other)]) == 2
    assert f"{other}: 1 of 2 submissions are not as asked" in capsys.readouterr().err
