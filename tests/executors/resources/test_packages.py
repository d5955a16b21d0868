"""The importable packages are surveyed in the interpreter that runs the scripts."""

import platform
import sys
from pathlib import Path

import numpy
import pytest

from gome.errors import SandboxError
from gome.executors.resources.interpreter import interpreter
from gome.executors.resources.packages import describe


def test_our_own_environment() -> None:
    found = describe(Path(sys.executable))
    assert found.python == platform.python_version()
    assert {"json", "sys"} <= found.importable
    assert "xgboost_that_is_not_there" not in found.importable
    assert found.packages["numpy"] == numpy.__version__


def test_carriers_of_task_data_are_flagged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\necho \'{"python": "3.11.0", "versions": {"mglearn": "0.2.0"}, "importable": []}\'\n')
    fake.chmod(0o755)
    assert describe(fake).carriers == ("mglearn",)


@pytest.mark.parametrize("text", [None, "#!/bin/sh\nexit 3\n", "#!/bin/sh\necho no json\n", "#!/bin/sh\necho 1\n"])
def test_what_is_no_python_is_named(tmp_path: Path, text: str | None) -> None:
    python = tmp_path / "python"
    if text is not None:
        python.write_text(text)
        python.chmod(0o755)
    with pytest.raises(SandboxError, match=str(python)):
        describe(python)
    with pytest.raises(SandboxError, match=str(python)):
        interpreter(python)


def test_an_environment_and_its_base_are_both_seen() -> None:
    found = interpreter(Path(sys.executable))
    for path in (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve()):
        assert any(path.is_relative_to(prefix) for prefix in found.prefixes)
