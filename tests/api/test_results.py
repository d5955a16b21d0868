"""What is written into a run's folder at its end: a run from elsewhere may have links in there, to any file."""

from dataclasses import replace
from pathlib import Path

import pytest

from gome.agents.protocol.run_messages import RunOpened
from gome.api.results import write_results
from gome.errors import UsageError
from tests.viewer.sample import sample_run


def test_links_in_a_runs_folder_are_replaced_and_not_followed(tmp_path: Path) -> None:
    folder, precious = sample_run().write(tmp_path / "run"), tmp_path / "precious"
    precious.write_text("mine")
    (folder / "best").mkdir()
    links = [folder / "report.html", folder / "best" / "solution.py", folder / "best" / "README.md"]
    for link in links:
        link.symlink_to(precious)
    written = write_results(folder)
    assert precious.read_text() == "mine"
    assert not any(link.is_symlink() for link in links)
    assert {written.report, written.files["script"], written.files["readme"]} == set(links)


def test_a_log_from_elsewhere_lists_no_address_and_no_option_of_pip(tmp_path: Path) -> None:
    sample = sample_run()
    first = sample.envelopes[0]
    assert isinstance(first.message, RunOpened)
    packages = {
        "numpy": "2.1.0",
        "a @ https://e.example/a.whl #": "1",
        "--index-url": "1",
        "b": "1\n-r /etc/c",
        "d": "",
    }
    place = first.message.workplace.model_copy(update={"packages": packages})
    sample.envelopes[0] = replace(first, message=first.message.model_copy(update={"workplace": place}))
    written = write_results(sample.write(tmp_path / "run"))
    assert written.files["requirements"].read_text() == "numpy==2.1.0\n"


def test_a_folder_of_best_files_that_is_a_link_is_refused(tmp_path: Path) -> None:
    folder, elsewhere = sample_run().write(tmp_path / "run"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "best").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="best is a link"):
        write_results(folder)
    assert list(elsewhere.iterdir()) == []
