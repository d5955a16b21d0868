"""What an installed gome is made of: every module and every file that the code reads is in the package, and no more."""

import tomllib
from pathlib import Path

HOUSE = Path(__file__).parent.parent
SETTINGS = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
TOPS = ("agents", "api", "bus", "cli", "executors", "scenarios", "viewer")
MADE = ("__pycache__", ".egg-info")


def files(top: str) -> list[Path]:
    """The files of a folder, without what Python and `gome task prepare` make there."""
    found = [path for path in (HOUSE / top).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in found if "prepared" not in path.parts or "bike-demand" in path.parts]


def test_every_folder_with_code_is_a_package_and_every_package_is_listed() -> None:
    with_code = {path.parent for top in TOPS for path in files(top) if path.suffix == ".py"}
    assert [str(folder) for folder in with_code if not (folder / "__init__.py").is_file()] == []
    names = {"gome", *(".".join(("gome", *folder.relative_to(HOUSE).parts)) for folder in with_code)}
    assert set(SETTINGS["packages"]) == names
    assert SETTINGS["package-dir"] == {"gome": "gome", **{f"gome.{top}": top for top in TOPS}}


def test_every_file_beside_the_code_is_in_the_package() -> None:
    packed = {
        path
        for package, patterns in SETTINGS["package-data"].items()
        for pattern in patterns
        for path in HOUSE.joinpath(*(package.split(".")[1:] or ["gome"])).glob(pattern)
    }
    beside = [path for top in (*TOPS, "gome") for path in files(top) if path.suffix != ".py"]
    assert [str(path) for path in beside if path not in packed] == []
