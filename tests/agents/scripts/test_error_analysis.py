"""Error analysis and comparison as activities: what they find is stored as an artefact."""

from pathlib import Path

from gome.agents.scripts.error_analysis import Analysing, Paired, Pairing, analyse, pair
from gome.agents.scripts.joined_splits import Assembled, Assembling, assemble
from gome.agents.scripts.predictions import packed
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task
from tests.scenarios.helpers.solve import solve


def test_errors_are_analysed_from_stored_predictions(tmp_path: Path) -> None:
    harness = Harness(Task.load(make_task(tmp_path / "task")), tmp_path / "views", seed=3)
    artefacts = Artefacts(tmp_path / "run")
    first, second = (_trial(harness, artefacts, tmp_path, splits) for splits in ((0, 1), (1, 2)))
    assert first.oof_ref is not None and second.oof_ref is not None
    alone = _read(artefacts, analyse(harness, artefacts, Analysing(oof_ref=first.oof_ref)).diagnostics_ref)
    assert alone.best_loss is None and {row.split for row in alone.dearest} == {0, 1}
    request = Analysing(oof_ref=first.oof_ref, best_oof_ref=second.oof_ref, rows=0)
    found = _read(artefacts, analyse(harness, artefacts, request).diagnostics_ref)
    assert found.change == 0.0 and 0 < found.compared < found.rows and not found.dearest
    assert analyse(harness, artefacts, request) == analyse(harness, artefacts, request)
    both = pair(harness, artefacts, Pairing(own_ref=first.oof_ref, other_ref=second.oof_ref))
    assert both.own is not None and both.other is not None and both.own.splits == (1,)
    assert both.own.score == both.other.score == first.evaluation.folds[1]
    third = _trial(harness, artefacts, tmp_path, (2, 3))
    assert third.oof_ref is not None
    apart = Pairing(own_ref=first.oof_ref, other_ref=third.oof_ref)
    assert pair(harness, artefacts, apart) == Paired(), "they have no split in common"


def _trial(harness: Harness, artefacts: Artefacts, folder: Path, splits: tuple[int, int]) -> Assembled:
    views = [harness.splits[split] for split in splits]
    judged = [harness.judge(view, solve(harness.data(view), folder / view)) for view in views]
    refs = tuple(artefacts.put_now(packed(one.predictions)) for one in judged if one.predictions is not None)
    asked = Assembling(planned=5, evaluations=tuple(one.evaluation for one in judged), predictions_refs=refs)
    return assemble(harness, artefacts, asked)


def _read(artefacts: Artefacts, ref: str | None) -> Diagnostics:
    assert ref is not None
    return Diagnostics.model_validate_json(artefacts.read_now(ref))
