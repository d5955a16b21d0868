"""A new best is probed when it is asked for, and what that shows stands in the next prompts."""

import time
from pathlib import Path

import pytest

from gome.agents.protocol.messages import VOCABULARY, Diagnosis, SolutionProbed
from gome.bus.store.reader import LogReader
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import line, small, small_task, writing


def told_of_probes(folder: Path) -> bool:
    """Whether the log has the probes of a solution."""
    with LogReader(folder, VOCABULARY) as reader:
        return any(reader.envelopes(kinds=["solution_probed"]))


@pytest.mark.parametrize("probes", [True, "auto"])
def test_what_was_accepted_is_probed_and_told(tmp_path: Path, probes: object) -> None:
    def written(trace: int, step: int) -> str:
        """Probing ends where the finish begins, so the last script waits until the first solution has been probed."""
        deadline = time.monotonic() + 60
        while probes is True and step == 3 and not told_of_probes(tmp_path / "run") and time.monotonic() < deadline:
            time.sleep(0.05)
        return line(0.2 + step / 5)

    with ModelServer(writing(written)) as server:
        method = {"probes": probes, "finish": {"candidates": 1, "seeds": 1}}
        asked = small(small_task(tmp_path), server, traces=1, budget={"trials": 3}, method=method)
        run = conducted(asked, tmp_path / "run")
        prompts = [ask.prompt for ask in server.asks if ask.kind == "propose_step"]
    probed = [message for _, message in run.all(SolutionProbed)]
    told = ["what probe runs of the trace's best show" in prompt for prompt in prompts]
    if probes == "auto":
        assert not probed, "in lockstep only where it is asked for"
        assert not any(told)
        return
    accepted = [diagnosis.script_ref for _, diagnosis in run.all(Diagnosis) if diagnosis.accepted]
    assert {each.script_ref for each in probed} <= set(accepted)
    assert probed
    first = probed[0].probes
    assert first.sensitivities[0].feature == "area"
    assert first.sensitivities[0].loss > 0
    assert None not in (first.sampled, first.training, first.whole, first.half, first.reseeded)
    assert first.reseeded != first.whole, "the script's line depends on its seed"
