"""Forecasts against what came of them, on messages whose figures are given and on a sample run."""

from typing import Any

import pytest

from gome.agents.protocol.messages import Diagnosis, Proposal
from gome.agents.protocol.run_messages import SessionOpened
from gome.agents.protocol.types import Effect
from gome.bus.message import Envelope, Message
from gome.viewer.model.forecasts import calibrate
from gome.viewer.web.report import render
from tests.agents.helpers.requests_made import hypothesis
from tests.viewer.sample import sample_run


def told(step: int, message: Message) -> Envelope:
    return Envelope(f"m{step}{message.kind}", step, "run", "x", 0, step, None, "c", float(step), message)


def session(proposer: str) -> Envelope:
    opened = SessionOpened(wall=0, pid=1, sandbox="s", slots=1, reasoners={"proposer": proposer})
    return Envelope("s" + proposer, 1, "run", "session", None, None, None, "c", 0.0, opened)


def trial(step: int, promised: float, effect: Effect | None, origin: str | None = None) -> list[Envelope]:
    ideas = (hypothesis().model_copy(update={"expected_gain": promised}),)
    shared: dict[str, Any] = {"reason": "", "hypotheses": ideas}
    proposal = Proposal(action="improve", sketch="", base_ref="b", origin=origin, stage="improve", **shared)
    diagnosis = Diagnosis(
        verdict="rejected",
        layer="analysis",
        observations="",
        hypothesis_verdict=None,
        challenges=(),
        script_ref=None,
        submission_ref=None,
        evaluation=None,
        seconds=0,
        score=None,
        erased=False,
        effect=effect,
        **shared,
    )
    return [told(step, proposal), told(step, diagnosis)]


BETTER = Effect(gain=0.2, standard_error=0.05, verdict="better")
WORSE = Effect(gain=-0.4, standard_error=0.05, verdict="worse")
TIE = Effect(gain=-0.01, standard_error=0.05, verdict="near-tie")


def test_confident_steps_that_came_out_worse_are_counted() -> None:
    envelopes = [
        session("one"),
        *trial(1, 0.1, BETTER),
        *trial(2, 0.1, WORSE),
        *trial(3, 0.1, TIE),
        *trial(4, 0.01, WORSE),  # worse, but it had promised less than could be seen
        *trial(5, 0.1, None),
    ]
    (found,) = calibrate(envelopes)
    assert (found.source, found.reasoner, found.steps) == ("proposer", "one", 4)
    assert (found.confident, found.wrong_way) == (3, 1)
    assert found.hallucinated == pytest.approx(1 / 3)
    assert found.mean_predicted == pytest.approx(0.31 / 4)
    assert found.mean_realised == pytest.approx(-0.61 / 4)
    assert found.right_sign == pytest.approx(1 / 4)


def test_recalled_ideas_and_other_reasoners_are_kept_apart() -> None:
    envelopes = [session("one"), *trial(1, 0.1, BETTER, origin="m"), session("two"), *trial(2, 0.1, WORSE)]
    assert [(each.source, each.reasoner, each.hallucinated) for each in calibrate(envelopes)] == [
        ("proposer", "two", 1.0),
        ("success memory", "one", 0.0),
    ]


def test_the_report_shows_it() -> None:
    run = sample_run()
    page = render(run.envelopes, run)
    assert "Predicted and measured gains" in page
