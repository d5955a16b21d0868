"""What a run submitted, where this is not its best step's own: told on every screen."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gome.agents.protocol.final_selection import Ensemble, Finalist, FinalRanking
from gome.agents.protocol.run_messages import RunFinished
from gome.viewer.model.message_lines import headline
from gome.viewer.model.submitted import submitted_by
from gome.viewer.web.report import render
from tests.cli.reading.test_commands import document, gome
from tests.viewer.sample import RUN, Sample, sample_run

MEAN = "0.4180 on the private answers, of the ensemble of steps 1.2 and 0.2; silver medal"


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
    """The same run, in which an ensemble of steps 1.2 and 0.2 was selected, and submitted where it was `taken`."""
    message, other = finished(sample), second(sample)
    ranked = FinalRanking(finalist=other, scores=(0.42,), mean=0.42, spread=None, gap=-0.01, misaligned=False)
    ref = sample.put(submission)
    assert message.winner is not None
    ensemble = Ensemble(
        members=(message.winner, other),
        weights=(0.7, 0.3),
        score=0.4071,
        single=0.41,
        gain=0.0029,
        standard_error=0.001,
        taken=taken,
    )
    update = {"ensemble": ensemble, "ranking": (*message.ranking, ranked)} | ({"submission_ref": ref} if taken else {})
    conclude(sample, message.model_copy(update=update))
    return sample


@pytest.fixture
def mixed(runs: Path) -> str:
    """The id of a run that submitted an ensemble."""
    sample = blended(sample_run(run="261125-0000-mixed-0000"), "id,bikers\n1,mean\n")
    sample.write(runs / sample.run)
    return sample.run


def test_the_test_score_says_whose_it_is(runs: Path, mixed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("best", mixed) == 0
    shown = capsys.readouterr().out
    assert "submitted   the ensemble of steps 1.2 and 0.2; step 1.2 alone 0.4140 on the hold-out" in shown
    assert "because     out of fold it is better than step 1.2 alone by 0.002900 ± 0.001, and any gain counts" in shown
    assert f"test score  {MEAN}" in shown
    assert gome("best", RUN) == 0
    shown = capsys.readouterr().out
    assert "because" not in shown
    assert "submitted   step 1.2, 0.4140 on the hold-out" in shown
    assert "test score  0.4180 on the private answers, of step 1.2; silver medal" in shown
    assert gome("best", mixed, "--json") == 0
    best = document(capsys, "best")
    assert (best["step"], best["score"]) == ("1.2", 0.41)
    assert (best["submission_of"], best["holdout_score"], best["test_score"]) == (["1.2", "0.2"], 0.414, 0.418)


def test_an_ensemble_that_was_not_taken_was_not_submitted() -> None:
    sample = blended(sample_run(), "id,bikers\n1,mean\n", taken=False)
    submitted = submitted_by(finished(sample))
    assert submitted is not None
    assert (submitted.whose, submitted.holdout) == ("step 1.2", 0.414)


def test_without_private_answers_the_hold_out_is_what_is_known() -> None:
    submitted = submitted_by(finished(sample_run()).model_copy(update={"grade": None}))
    assert submitted is not None
    assert submitted.on_the_test == "–"
    assert submitted.at_the_finish == "step 1.2, 0.4140 on the hold-out"


def test_without_a_score_on_the_hold_out_it_says_why() -> None:
    end = finished(sample_run())
    ranking = tuple(each.model_copy(update={"mean": None}) for each in end.ranking)
    submitted = submitted_by(end.model_copy(update={"ranking": ranking, "why": "the budget of time is used"}))
    assert submitted is not None
    assert submitted.at_the_finish == "step 1.2, without a score on the hold-out: the budget of time is used"


def test_lists_and_comparisons_keep_step_and_submission_apart(
    runs: Path, mixed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gome("runs", "--json") == 0
    rows = {each["run"]: each["submission_of"] for each in document(capsys, "runs")}
    assert (rows[mixed], rows[RUN]) == (["1.2", "0.2"], ["1.2"])
    assert gome("runs") == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "0.4180  ensemble of 2  " in lines[mixed]
    assert "0.4180  1.2  " in lines[RUN]
    assert gome("compare", RUN, mixed) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("submitted"))
    assert re.split(r"  +", line) == ["submitted", "step 1.2", "the ensemble of steps 1.2 and 0.2"]
    assert gome("compare", RUN, mixed, "--json") == 0
    assert document(capsys, "compare")["submission_of"] == [["1.2"], ["1.2", "0.2"]]


def test_the_last_message_and_the_report_say_it_too() -> None:
    sample = blended(sample_run(), "id,bikers\n1,mean\n")
    assert f"best is 1.2, score 0.4100; test score {MEAN}" in headline(sample.envelopes[-1])
    page = render(sample.envelopes, sample)
    assert "private test of the ensemble of steps 1.2 and 0.2, silver medal" in page
    plain = sample_run()
    assert "private test of step 1.2, silver medal" in render(plain.envelopes, plain)


def test_the_best_files_name_every_script_of_an_ensemble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = blended(sample_run(run="mixed"), "id,bikers\n1,mean\n")
    sample.write(tmp_path / "mixed")
    assert gome("best", "mixed", "--runs", str(tmp_path), "-o", str(tmp_path / "the best"), "--json") == 0
    written = document(capsys, "best")
    best = tmp_path / "the best"
    assert written["readme"] == str(best / "README.md")
    assert (best / "submission.csv").read_text() == "id,bikers\n1,mean\n"
    assert (best / "oof.csv").read_text() == "id,bikers\n2,1.1\n"
    readme = (best / "README.md").read_text(encoding="utf-8")
    assert "| private test, of the ensemble of steps 1.2 and 0.2 | 0.4180 |" in readme
    assert "- `solution-0.2.py`: self-contained script of step 0.2" in readme
    assert "- `submission.csv`: the ensemble of steps 1.2 and 0.2" in readme
    assert "predict mixed" in readme
    assert "export mixed --to package" in readme
