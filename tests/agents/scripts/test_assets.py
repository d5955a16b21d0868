"""Assets: what lies below the scenario's folder can be shown to scripts, and nothing else."""

from pathlib import Path

import pytest

from gome.agents.runtime.resources import find_assets
from gome.errors import UsageError


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
