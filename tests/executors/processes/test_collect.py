"""Artefacts are copied completely or not at all, and any folder can be removed."""

import subprocess
import sys
from pathlib import Path

import pytest

from gome.executors.processes.collect import collect, discard


def test_names_that_lead_outside_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "secret").write_text("secret")
    names = ["../secret", str(tmp_path / "secret"), "", "a/../../secret"]
    taken, refused = collect(tmp_path / "out", names, tmp_path / "kept", 100)
    assert taken == {}
    assert set(refused.values()) == {"not a name below the output folder"}


def test_a_file_in_a_folder_is_taken_and_one_behind_a_linked_folder_is_not(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (out / "models").mkdir(parents=True)
    elsewhere.mkdir()
    (out / "models" / "a").write_text("a")
    (elsewhere / "b").write_text("b")
    (out / "linked").symlink_to(elsewhere)
    taken, refused = collect(out, ["models/a", "linked/b"], tmp_path / "kept", 100)
    assert taken == {"models/a": tmp_path / "kept" / "models" / "a"}
    assert taken["models/a"].read_text() == "a"
    assert "link" in refused["linked/b"]


def test_a_copy_of_an_earlier_run_does_not_pass_for_a_new_one(tmp_path: Path) -> None:
    out, kept = tmp_path / "out", tmp_path / "kept"
    out.mkdir()
    (out / "submission.csv").write_text("first")
    collect(out, ["submission.csv"], kept, 100)
    (out / "submission.csv").unlink()
    taken, refused = collect(out, ["submission.csv"], kept, 100)
    assert (taken, refused) == ({}, {"submission.csv": "was not written"})
    assert list(kept.iterdir()) == []


def test_a_file_over_the_limit_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 101)
    _, refused = collect(tmp_path, ["big"], tmp_path / "kept", 100)
    assert "over the limit" in refused["big"]
    assert not (tmp_path / "kept").exists()


def test_a_device_is_refused(tmp_path: Path) -> None:
    _, refused = collect(Path("/dev"), ["zero"], tmp_path / "kept", 100)
    assert refused == {"zero": "is not a regular file"}


def test_a_folder_is_removed_however_deep_and_closed(tmp_path: Path) -> None:
    folder, keep = tmp_path / "workspace", tmp_path / "keep"
    folder.mkdir()
    keep.mkdir()
    (keep / "file").write_text("stays")
    (folder / "link").symlink_to(keep)
    (folder / "closed").mkdir()
    (folder / "closed" / "file").write_text("x")
    (folder / "closed").chmod(0)
    nest = "import os\nfor _ in range(1500): os.mkdir('deeper'); os.chdir('deeper')"
    subprocess.run([sys.executable, "-c", nest], cwd=folder, check=True)
    discard(folder)
    assert not folder.exists()
    assert (keep / "file").read_text() == "stays"
    discard(folder)


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    keep = tmp_path / "keep"
    keep.mkdir()
    (keep / "file").write_text("stays")
    (tmp_path / "workspace").symlink_to(keep)
    with pytest.raises(OSError, match="workspace"):
        discard(tmp_path / "workspace")
    assert (keep / "file").exists()
