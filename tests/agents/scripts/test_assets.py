"""Assets: what lies below the scenario's folder can be shown to scripts, and nothing else."""

from pathlib import Path

import anyio
import pytest

from gome.agents.runtime.lifecycle import resume
from gome.agents.runtime.resources import assets_of_run, find_assets
from gome.errors import UsageError
from tests.viewer.sample import Sample, opened


def test_an_asset_is_seen_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "small.pt").touch()
    assert find_assets(["weights/small.pt"], tmp_path) == {
        tmp_path / "weights" / "small.pt": Path("/gome/assets/weights/small.pt")
    }


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "link", "missing"])
def test_a_strangers_scenario_cannot_show_what_is_elsewhere(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "scenario"
    folder.mkdir()
    (tmp_path / "secret").touch()
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match=r"executors\.assets"):
        find_assets([name], folder)


@pytest.mark.parametrize("content", [None, "name: x\n", "executors: {assets: [other]}\n", "- [\n", "executors: 3\n"])
def test_a_strangers_log_cannot_say_that_its_scenario_is_elsewhere(content: str | None, tmp_path: Path) -> None:
    """A log names the folder of its scenario, and the assets in it: both could be the user's own files."""
    (tmp_path / ".ssh").mkdir()
    scenario = tmp_path / "scenario.yaml"
    if content is not None:
        scenario.write_text(content)
    with pytest.raises(UsageError, match=r"executors\.assets: the run's log names \.ssh"):
        assets_of_run([".ssh"], scenario)
    assert assets_of_run([], scenario) == {}
    scenario.write_text("executors:\n  assets: [.ssh]\n")
    assert list(assets_of_run([".ssh"], scenario)) == [tmp_path / ".ssh"]


def test_a_run_from_elsewhere_is_not_gone_on_with_on_such_assets(tmp_path: Path) -> None:
    sample = Sample(str, "stranger")
    first = opened(sample)
    settings = {**first.scenario, "executors": {"assets": ["home"]}}
    sample.say("user", first.model_copy(update={"scenario": settings, "scenario_path": "/scenario.yaml"}))
    folder = sample.write(tmp_path / "run")
    with pytest.raises(UsageError, match=r"executors\.assets: the run's log names home"):
        anyio.run(resume, folder)
