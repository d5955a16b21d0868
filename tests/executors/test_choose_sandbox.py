"""The probe trusts no sandbox that it has not tested, and its error names the remedy where none works."""

from pathlib import Path

import anyio
import pytest

from gome.errors import SandboxError
from gome.executors import choose_sandbox as sandbox
from gome.executors.choose_sandbox import SandboxLevel, probe
from gome.executors.sandbox import landlock

_NO_SANDBOX = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift\nexec "$@"\n'
"""A bwrap that runs its command without isolation."""


def program(folder: Path, text: str) -> Path:
    path = folder / "bwrap"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_best_level_is_found_with_its_gaps_in_words() -> None:
    found = anyio.run(probe)
    assert found.level is SandboxLevel.BUBBLEWRAP
    assert found.gaps and all(" " in gap for gap in found.gaps)


def test_no_sandbox_only_on_the_users_word() -> None:
    found = anyio.run(lambda: probe(unsandboxed=True))
    assert found.level is SandboxLevel.NONE
    assert any("network" in gap for gap in found.gaps)


@pytest.fixture
def no_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gome.executors.sandbox.landlock.available", lambda: False)


@pytest.mark.usefixtures("no_landlock")
def test_apparmors_refusal_comes_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = program(tmp_path, "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    monkeypatch.setattr(sandbox, "_binaries", lambda: iter([refusing]))
    with pytest.raises(SandboxError, match=r"apparmor_restrict_unprivileged_userns=0") as refusal:
        anyio.run(probe)
    assert "--sandbox none" in str(refusal.value)


@pytest.mark.usefixtures("no_landlock")
def test_a_bwrap_that_does_not_hold_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_binaries", lambda: iter([program(tmp_path, _NO_SANDBOX)]))
    with pytest.raises(SandboxError):
        anyio.run(probe)


def test_the_next_one_is_taken_and_the_refusal_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    working = anyio.run(probe).binary
    monkeypatch.setattr(sandbox, "_binaries", lambda: iter([program(tmp_path, _NO_SANDBOX), working]))
    found = anyio.run(probe)
    assert found.binary == working
    assert len(found.refused) == 1 and str(tmp_path) in found.refused[0]


@pytest.mark.skipif(not landlock.available(), reason="this kernel has no Landlock")
def test_without_bubblewrap_landlock_holds_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_binaries", lambda: iter([]))
    assert anyio.run(probe).level is SandboxLevel.LANDLOCK
