"""A score that is too good to be true is said on the last screen, in `best/` and by `gome best`."""

from dataclasses import replace
from pathlib import Path

import pytest

from gome.agents.protocol.messages import Diagnosis
from gome.agents.protocol.run_messages import RunOpened
from gome.cli.app import main
from gome.scenarios.evidence import LeakNote
from gome.viewer.model.doubts import doubts
from gome.viewer.model.summary import summarise
from tests.viewer.sample import RUN, Sample, sample_run

_WORDS = "all 90 out-of-fold predictions are right"


def _with_baseline(sample: Sample, baseline: float | None) -> Sample:
    opened = sample.envelopes[0].message
    assert isinstance(opened, RunOpened)
    sample.envelopes[0] = replace(sample.envelopes[0], message=opened.model_copy(update={"baseline": baseline}))
    return sample


def _with_note(sample: Sample) -> Sample:
    """The run, with a sign of a leak in every evaluation."""
    note = LeakNote(code="perfect", message=_WORDS)
    for at, envelope in enumerate(sample.envelopes):
        message = envelope.message
        if isinstance(message, Diagnosis) and message.evaluation:
            evaluation = message.evaluation.model_copy(update={"leaks": (note,)})
            sample.envelopes[at] = replace(envelope, message=message.model_copy(update={"evaluation": evaluation}))
    return sample


def test_what_the_harness_has_found_comes_first() -> None:
    assert doubts(summarise(_with_note(sample_run()).envelopes)) == (_WORDS,)


@pytest.mark.parametrize(("factor", "doubted"), [(1.5, False), (20.0, False), (101.0, True), (1e6, True)])
def test_a_score_near_perfection_where_a_constant_is_far_from_it(factor: float, doubted: bool) -> None:
    best = summarise(sample_run().envelopes).best
    assert best is not None
    found = doubts(summarise(_with_baseline(sample_run(), best.score * factor).envelopes))
    assert bool(found) is doubted
    assert all("too good to be true where a constant has" in words for words in found)


@pytest.mark.parametrize("baseline", [None, 0.0])
def test_without_a_constant_to_compare_with(baseline: float | None) -> None:
    assert doubts(summarise(_with_baseline(sample_run(), baseline).envelopes)) == ()


def test_it_is_said_where_the_solution_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = _with_note(sample_run())
    sample.write(tmp_path / RUN)
    with pytest.raises(SystemExit):
        main(["best", RUN, "--runs", str(tmp_path), "-o", str(tmp_path / "best")])
    assert f"beware      {_WORDS}" in capsys.readouterr().out
    assert f"**Beware: {_WORDS}.**" in (tmp_path / "best" / "README.md").read_text()
