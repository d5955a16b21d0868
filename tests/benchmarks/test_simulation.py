"""The simulated run: a trial is run on as many splits as asked, and judged by what was run."""

from pathlib import Path

import anyio
import pytest

from benchmarks.shared.simulation import Simulation, simulate
from gome.agents.protocol.messages import Diagnosis
from gome.agents.protocol.run_messages import RunFinished


@pytest.mark.parametrize("splits", [1, 3])
def test_a_trial_is_a_run_a_split_and_the_finish_one_more(splits: int, tmp_path: Path) -> None:
    asked = Simulation(call=0.0, run=0.0, traces=1, slots=2, trials=3, splits=splits)
    simulated = anyio.run(simulate, asked, tmp_path / "run")
    assert len(simulated.holds) == 3 * splits + 1
    said = [each.message for each in simulated.envelopes]
    trials = [each for each in said if isinstance(each, Diagnosis) and each.verdict != "surveyed"]
    assert [each.score for each in trials] == pytest.approx([1.0, 1 / 2, 1 / 3]), "the n-th script's, on every split"
    for each in trials:
        assert each.evaluation is not None
        assert (each.evaluation.splits, each.evaluation.planned) == (tuple(range(splits)), splits)
        assert not each.evaluation.partial
    (finished,) = (each for each in said if isinstance(each, RunFinished))
    assert finished.winner is not None
    assert finished.submission_ref is not None
