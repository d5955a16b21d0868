"""`traces: auto` in simulated runs: losers are folded, a stall opens one more, and the budget is kept to the trial."""

from collections import Counter
from pathlib import Path

import pytest

from gome.agents.protocol.messages import Diagnosis, StepOpened, TraceFolded, TraceOpened
from gome.agents.protocol.run_messages import RunFinished
from gome.bus.message import Envelope
from tests.agents.method.test_optimizers import Asked, envelopes_of

CHANGED = {"traces": "auto", "memory": {"consistency": "lockstep"}}


def falling(number: int) -> float:
    """Every script is better than the one before."""
    return 1.0 / number


def all_of(kind: type, envelopes: list[Envelope]) -> list[Envelope]:
    return [each for each in envelopes if isinstance(each.message, kind)]


def test_of_two_roots_one_is_folded_and_the_other_gets_its_trials(tmp_path: Path) -> None:
    envelopes = envelopes_of(Asked(0.0, 0.0, 2, 2, 20, score=falling, changed=CHANGED), tmp_path / "run")
    assert [each.trace for each in all_of(TraceOpened, envelopes)] == [0, 1]
    (folded,) = all_of(TraceFolded, envelopes)
    steps = Counter(each.trace for each in all_of(StepOpened, envelopes))
    assert steps == {folded.trace: 2, 1 - (folded.trace or 0): 18}
    opened = [each.message for each in all_of(StepOpened, envelopes)]
    assert [each.left.traces for each in opened if isinstance(each, StepOpened)] == [2] * 4 + [1] * 16
    assert len(all_of(RunFinished, envelopes)) == 1


@pytest.mark.parametrize("consistency", ["lockstep", "async"])
def test_where_the_best_stalls_another_trace_begins_with_the_survey(consistency: str, tmp_path: Path) -> None:
    changed = CHANGED | {"memory": {"consistency": consistency}}
    envelopes = envelopes_of(Asked(0.0, 0.0, 2, 1, 48, score=float, changed=changed), tmp_path / "run")
    opened = all_of(TraceOpened, envelopes)
    assert len(opened) > 2, "one slot, one root; what follows was opened because the best had stalled"
    assert all(isinstance(each.message, TraceOpened) and each.message.challenges is not None for each in opened[1:])
    trials = [each for each in all_of(Diagnosis, envelopes) if each.step]
    assert len(trials) == 48
    assert len(all_of(RunFinished, envelopes)) == 1


def test_without_several_traces_there_is_one(tmp_path: Path) -> None:
    changed = CHANGED | {"method": {"multi_trace": False}}
    envelopes = envelopes_of(Asked(0.0, 0.0, 2, 2, 6, score=falling, changed=changed), tmp_path / "run")
    assert [each.trace for each in all_of(TraceOpened, envelopes)] == [0]
    assert not all_of(TraceFolded, envelopes)
