"""What an installed gome is made of: every module and every file that the code reads is in the package."""

import tomllib
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
ROOMS = ("agents", "bus", "executors", "scenarios", "viewer")
SETTINGS = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def files(room: str) -> list[Path]:
    """The files of a room, without what Python and `gome task prepare` make there."""
    found = [path for path in (HOUSE / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in found if "prepared" not in path.parts or "bike-demand" in path.parts]


@pytest.mark.parametrize("room", ROOMS)
def test_every_file_beside_the_code_is_in_the_package(room: str) -> None:
    patterns = SETTINGS["package-data"].get(room, [])
    packed = {path for pattern in patterns for path in (HOUSE / room).glob(pattern)}
    assert [str(path) for path in files(room) if path.suffix != ".py" and path not in packed] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_folder_with_code_is_a_package(room: str) -> None:
    assert f"{room}*" in SETTINGS["packages"]["find"]["include"]
    folders = {path.parent for path in files(room) if path.suffix == ".py"}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_modules_beside_the_rooms_are_in_the_package() -> None:
    assert {path.stem for path in HOUSE.glob("*.py")} == set(SETTINGS["py-modules"])
