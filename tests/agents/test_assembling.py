"""The runs of a trial put together as an activity: diagnostics against the best are an artefact of their own."""

from pathlib import Path

from agents.assembling import Assembled, Assembling, assemble
from agents.predictions import packed
from bus.artefacts import Artefacts
from scenarios.diagnostics_record import Diagnostics
from scenarios.harness import Harness
from scenarios.tasks import Task
from tests.scenarios.make_task import make_task
from tests.scenarios.solve import solve


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
