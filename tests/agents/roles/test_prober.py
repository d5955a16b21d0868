"""A new best is probed when it is asked for, and what that shows stands in the next prompts."""

from pathlib import Path

import pytest

from gome.agents.protocol.messages import Diagnosis, SolutionProbed
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import line, small, small_task, writing


@pytest.mark.parametrize("probes", [True, "auto"])
def test_what_was_accepted_is_probed_and_told(tmp_path: Path, probes: object) -> None:
    with ModelServer(writing(lambda trace, step: line(0.2 + step / 5))) as server:
        method = {"probes": probes, "finish": {"candidates": 1, "seeds": 1}}
        asked = small(small_task(tmp_path), server, traces=1, budget={"trials": 3}, method=method)
        run = conducted(asked, tmp_path / "run")
        prompts = [ask.prompt for ask in server.asks if ask.kind == "propose_step"]
    probed = [message for _, message in run.all(SolutionProbed)]
    told = ["what probe runs of this trace's best so far show" in prompt for prompt in prompts]
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
    # Probing ends where the finish begins: on a busy machine its last run, with another seed, may not be made.
    assert None not in (first.sampled, first.training, first.whole, first.half)
    assert first.reseeded != first.whole, "the script's line depends on its seed"
