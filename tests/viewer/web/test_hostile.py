"""Words of a model that carry terminal escapes, markup and scripts: they are words, in every verb and on every page."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gome.agents.protocol.run_messages import RunOpened
from gome.viewer.web.live_pages import compare_page, message_page, messages_page, runs_page, step_page
from gome.viewer.web.report import write_report
from gome.viewer.web.run_page import RunPage
from tests.cli.reading.test_commands import gome
from tests.conftest import UNFINISHED
from tests.viewer.sample import sample_run, with_evidence
from tests.viewer.test_text import ATTACKS
from tests.viewer.web.test_report import HOSTILE

NAME = "261124-0100-hostile-0000"
WORDS = " ".join([HOSTILE, *(attack for attack in ATTACKS if "\ud83d" not in attack)])
STEERING = set(map(chr, [*range(9), *range(11, 32), *range(127, 160), 0x202E]))
VERBS = [
    "runs", "best NAME", "tree NAME", "diff NAME", "diff NAME 1.2", "cost NAME", "cost NAME --by hypothesis",
    "cost NAME --by model", "gantt NAME", "memory NAME", "log NAME --all", "log stats NAME", "compare NAME OTHER",
    "log show PROPOSAL", "log show JOB", "log show DIAGNOSIS", "log why DIAGNOSIS", "log thread JOB",
    "log show DEAD", "resume NAME --dry-run",
]  # fmt: skip


@pytest.fixture
def hostile(runs: Path) -> Path:
    """A run whose every text is hostile, its names as well."""
    sample = with_evidence(sample_run(lambda words: f"{words} {WORDS}", run=NAME, finish=True))
    first = sample.envelopes[0]
    assert isinstance(first.message, RunOpened)
    task = first.message.task.model_copy(update={"name": f"task {WORDS}"})
    named = {"name": f"name {WORDS}", "task": task, "reasoners": {"proposer": f"model {WORDS}"}}
    sample.envelopes[0] = replace(first, message=first.message.model_copy(update=named))
    return sample.write(runs / NAME)


def ids() -> dict[str, str]:
    kinds = {"PROPOSAL": "proposal", "JOB": "job", "DIAGNOSIS": "diagnosis", "DEAD": "dead_letter"}
    envelopes = sample_run(lambda words: f"{words} {WORDS}", run=NAME).envelopes
    return {word: next(each.id for each in reversed(envelopes) if each.kind == kind) for word, kind in kinds.items()}


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_steers_the_terminal(verb: str, hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = verb.replace("NAME", NAME).replace("OTHER", UNFINISHED)
    for word, name in ids().items():
        arguments = arguments.replace(word, f"{name} --run {NAME}")
    assert gome(*arguments.split()) == 0
    printed = capsys.readouterr()
    assert printed.out
    assert not set(printed.out + printed.err) & STEERING


@pytest.mark.parametrize("verb", ["runs", "best NAME", "tree NAME", "memory NAME", "log NAME", "compare NAME OTHER"])
def test_json_is_data_and_no_escape(verb: str, hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome(*verb.replace("NAME", NAME).replace("OTHER", UNFINISHED).split(), "--json") == 0
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert not set(printed) & STEERING
    assert json.loads(printed)["data"]


def test_sql_and_errors_are_cleaned(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("log", "sql", "SELECT id, body FROM messages", "--run", NAME) == 0
    assert gome("log", "sql", "SELECT '\x1b[2J' FROM \x1b]0;gone\x07nothing", "--run", NAME) == 2
    assert gome("log", f"{NAME}\x1b[2J") == 2
    assert gome("\x1b]0;gone\x07") == 2
    printed = capsys.readouterr()
    assert not set(printed.out + printed.err) & STEERING


def test_no_page_and_no_title_has_markup_of_a_model(hostile: Path, tmp_path: Path) -> None:
    pages = [runs_page(hostile.parent), RunPage().draw(hostile), messages_page(hostile, {"words": HOSTILE})]
    pages += [message_page(hostile, name) for name in ids().values()]
    pages += [step_page(hostile, "1.2"), compare_page([hostile, hostile])]
    pages.append(write_report(hostile, tmp_path / "report.html").read_text(encoding="utf-8"))
    for page in pages:
        assert page.count("<script") == page.count("</script>") == 1
        assert "<img" not in page
        assert "onerror=alert(2)>" not in page
        assert not set(page) & STEERING
        title = page[page.index("<title>") + 7 : page.index("</title>")]
        assert "<" not in title


def test_files_for_the_user_are_cleaned(hostile: Path, tmp_path: Path) -> None:
    assert gome("best", NAME, "-o", str(tmp_path / "best")) == 0
    assert not set((tmp_path / "best" / "README.md").read_text(encoding="utf-8")) & STEERING
