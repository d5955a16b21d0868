"""Memory for warm interpreters is computed from the machine's memory and from cgroup limits."""

from pathlib import Path

import psutil
import pytest

from gome.executors.resources.memory import STANDBY_MEMORY, available, shortage

GIB = 1 << 30


def test_scripts_at_their_limit_and_the_standbys_must_fit_together() -> None:
    needed = 2 * (4 * GIB + STANDBY_MEMORY)
    assert shortage(2, 4 * GIB, needed) == ""
    words = shortage(2, 4 * GIB, needed - 1)
    assert "2 scripts of 4 GiB" in words
    assert "executors.slots" in words


@pytest.mark.parametrize(
    ("line", "folder", "names"),
    [
        ("0::/ours/inner", "ours", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:memory:/ours/inner",
            "memory/ours",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
)
def test_a_limit_on_a_group_that_we_are_in_counts(
    tmp_path: Path, line: str, folder: str, names: tuple[str, str, str]
) -> None:
    group = tmp_path / "groups" / folder
    (group / "inner").mkdir(parents=True)
    (tmp_path / "own").write_text(f"7:cpu:/other\n{line}\n")
    for each, limit in ((group, "1000"), (group / "inner", "max")):
        (each / names[0]).write_text(f"{limit}\n")
        (each / names[1]).write_text("700\n")
        (each / "memory.stat").write_text(f"anon 600\n{names[2]} 100\n")
    if names[0] != "memory.max":
        (group / "inner" / names[0]).write_text("9223372036854771712\n")
    assert available(tmp_path / "groups", tmp_path / "own") == 400


def test_without_control_groups_the_machine_counts(tmp_path: Path) -> None:
    assert 0 < available(tmp_path, tmp_path / "none") <= psutil.virtual_memory().total
    assert available() > 0
