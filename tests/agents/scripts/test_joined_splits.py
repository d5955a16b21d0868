"""The runs of a trial put together as an activity: diagnostics against the best are an artefact of their own."""

from pathlib import Path

from gome.agents.scripts.joined_splits import Assembled, Assembling, assemble
from gome.agents.scripts.predictions import packed
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task
from tests.scenarios.helpers.solve import solve


def test_diagnostics_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    harness = Harness(Task.load(make_task(tmp_path / "task")), tmp_path / "views", seed=3)
    artefacts = Artefacts(tmp_path / "run")
    judged = [harness.judge(view, solve(harness.data(view), tmp_path / view)) for view in harness.splits[:2]]
    refs = tuple(artefacts.put_now(packed(one.predictions)) for one in judged if one.predictions is not None)
    asked = Assembling(planned=5, evaluations=tuple(one.evaluation for one in judged), predictions_refs=refs)
    first = assemble(harness, artefacts, asked)
    assert _read(artefacts, first).best_loss is None
    again = assemble(harness, artefacts, asked.model_copy(update={"best_oof_ref": first.oof_ref, "rows": 0}))
    found = _read(artefacts, again)
    assert found.change == 0.0 and found.compared == found.rows and not found.dearest
    assert again == assemble(harness, artefacts, asked.model_copy(update={"best_oof_ref": first.oof_ref, "rows": 0}))
    bare = assemble(harness, artefacts, asked.model_copy(update={"rows": None}))
    assert bare == first.model_copy(update={"diagnostics_ref": None})


def _read(artefacts: Artefacts, whole: Assembled) -> Diagnostics:
    assert whole.diagnostics_ref is not None
    return Diagnostics.model_validate_json(artefacts.read_now(whole.diagnostics_ref))
