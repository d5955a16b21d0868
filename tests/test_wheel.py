"""A wheel of gome: one import package, whole, and beside a package that has a module of one of our folders' names."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from gome.version import VERSION

HOUSE = Path(__file__).parents[1]


def run(*command: str, **settings: object) -> str:
    """What a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_holds_gome_alone_and_runs_beside_openai_agents(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(HOUSE))
    (wheel,) = tmp_path.glob(f"gome-{VERSION}-*.whl")
    with ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"gome"}
    place = tmp_path / "site"
    run(*pip, "install", "--no-deps", "--target", str(place), str(wheel), "openai-agents")
    code = (
        "import gome.agents.roles.director as ours; from importlib.util import find_spec; "
        "print(ours.__file__, find_spec('agents').origin)"
    )
    # -S keeps the checkout's own editable install out; the libraries come by their path.
    libraries = str(Path(pytest.__file__).parents[1])
    environment = {"PYTHONPATH": f"{place}:{libraries}", "PATH": "/usr/bin:/bin"}
    ours, theirs = run(sys.executable, "-S", "-c", code, cwd=tmp_path, env=environment).split()
    assert Path(ours) == place / "gome" / "agents" / "roles" / "director.py"
    assert Path(theirs) == place / "agents" / "__init__.py"
    told = run(sys.executable, "-S", "-m", "gome", "validate", "bike-demand", cwd=tmp_path, env=environment)
    assert "bike-demand" in told
