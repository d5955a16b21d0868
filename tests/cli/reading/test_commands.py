"""The verbs that read a run, as they are typed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gome.bus.store.lock import RunLock
from gome.cli.app import main
from gome.cli.running.resume import extended_budget
from gome.errors import UsageError
from tests.cli.printed import data_of
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN, sample_run


def gome(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def document(capsys: pytest.CaptureFixture[str], verb: str) -> Any:
    return data_of(capsys.readouterr().out, verb)


def test_runs_are_listed_newest_first(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("runs", "--json") == 0
    listed = document(capsys, "runs")
    assert [(each["run"], each["state"], each["trials"]) for each in listed] == [
        (UNFINISHED, "stopped", 6),
        (RUN, "finished", 6),
    ]
    assert (listed[1]["score"], listed[1]["test_score"], listed[0]["test_score"]) == (0.41, 0.418, None)
    assert gome("runs") == 0
    printed = capsys.readouterr()
    assert RUN in printed.out
    assert "next: gome log" in printed.err


def test_without_runs_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("runs", "--runs", str(tmp_path)) == 0
    assert "no run" in capsys.readouterr().out


def test_best_tells_the_winner(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("best", RUN, "--json") == 0
    best = document(capsys, "best")
    assert (best["score"], best["test_score"], best["step"], best["final"]) == (0.41, 0.418, "1.2", True)
    assert best["submission_sha256"] == hashlib.sha256(b"id,bikers\n1,1.2\n").hexdigest()


def test_best_writes_what_it_takes_to_run_it(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "deep" / "best"
    assert gome("best", RUN, "-o", str(target)) == 0
    names = ["README.md", "oof.csv", "requirements.txt", "solution.py", "submission.csv"]
    assert sorted(path.name for path in target.iterdir()) == names
    assert (target / "submission.csv").read_bytes() == b"id,bikers\n1,1.2\n"
    assert f"-m gome export {RUN} --to package DIR --runs" in (target / "README.md").read_text(encoding="utf-8")
    assert str(target / "solution.py") in capsys.readouterr().out


def test_best_of_a_run_without_an_accepted_trial_is_an_error(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = sample_run(run="261124-0000-none-0000")
    sample.envelopes = sample.envelopes[:6]
    sample.write(runs / sample.run)
    assert gome("best") == 2
    assert "error[no-solution]" in capsys.readouterr().err


def test_log_filters(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def kinds(*arguments: str) -> list[tuple[str, str, int | None, int | None]]:
        assert gome("log", RUN, "--json", *arguments) == 0
        listed = document(capsys, "log")
        return [(each["sender"], each["message"]["kind"], each["trace"], each["step"]) for each in listed]

    told = kinds()
    assert len(told) == sum(not each.kind.startswith("activity") for each in sample_run().envelopes)
    assert len(kinds("--all")) == len(sample_run().envelopes)
    assert {sender for sender, *_ in kinds("--role", "diagnoser")} == {"diagnoser-0", "diagnoser-1"}
    assert {trace for _, _, trace, _ in kinds("--trace", "1")} == {1}
    assert {step for *_, step in kinds("--step", "2")} == {2}
    assert {kind for _, kind, *_ in kinds("--kind", "trial", "--kind", "job")} == {"trial", "job"}
    assert len(kinds("--last", "3")) == 3
    assert kinds("--since", "36s") == [("finisher", "run_finished", None, None)]
    assert [kind for _, kind, *_ in kinds("--grep", "KeyError")] == ["repair_called"]


def test_following_a_finished_run_ends(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("log", RUN, "-f") == 0
    assert "run_finished" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("log", RUN, "--kind", "diagnosys"),
        ("log", RUN, "--since", "9 fortnights"),
        ("log", "nope"),
        ("log", "show", "zzzz"),
        ("log", "sql", "DELETE FROM messages"),
        ("log", RUN, "--trace", "x"),
        ("log", RUN, "--trace", "-5"),
        ("log", RUN, "--step", "9" * 20),
        ("log", RUN, "--last", "-1"),
        ("view", "--port", "99999"),
        ("log", RUN, "--bogus"),
    ],
)
def test_what_cannot_be_read_is_an_error_in_words(
    runs: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert gome(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error[")
    assert "Traceback" not in printed.err


def test_one_message_is_shown_with_prompt_and_reply(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proposal = next(each for each in sample_run().envelopes if each.kind == "job")
    assert gome("log", "show", proposal.id[:8], "--run", RUN) == 0
    shown = capsys.readouterr().out
    for words in (
        "the prompt",
        "the reply",
        "WriteSolution",
        "tokens 900",
        "import pandas",
        "writer-0, trace 0, step 1",
    ):
        assert words in shown
    assert gome("log", "show", proposal.id, "--run", RUN, "--json") == 0
    data = document(capsys, "log-show")
    assert data["message"]["id"] == proposal.id
    assert [each["label"] for each in data["activities"]] == ["WriteSolution"]
    assert data["activities"][0]["result"]["prompt"] == "the prompt"


def test_why_leads_back_to_the_first_cause(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = [each for each in sample_run().envelopes if each.kind == "diagnosis"][-1]
    assert gome("log", "why", verdict.id, "--run", RUN, "--json") == 0
    kinds = [each["message"]["kind"] for each in document(capsys, "log-why")]
    assert kinds == ["step_opened", "recollection", "proposal", "job", "trial", "diagnosis"]
    step = f"{verdict.trace}.{verdict.step}"
    assert gome("log", "why", step, "--run", RUN, "--json") == 0
    assert [each["message"]["kind"] for each in document(capsys, "log-why")] == kinds
    assert gome("log", "why", step, "--run", RUN) == 0
    assert f"step {step}: " in capsys.readouterr().out


def test_a_thread_is_a_whole_conversation(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = [each for each in sample_run().envelopes if each.kind == "diagnosis"][-1]
    assert gome("log", "thread", verdict.id, "--run", RUN, "--json") == 0
    thread = document(capsys, "log-thread")
    assert {each["correlation"] for each in thread} == {verdict.correlation}
    assert "repair_called" in {each["message"]["kind"] for each in thread}


def test_stats_and_sql_count_alike(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("log", "stats", RUN, "--json") == 0
    stats = document(capsys, "log-stats")
    assert gome("log", "sql", "SELECT count(*) AS n FROM messages", "--run", RUN, "--json") == 0
    assert document(capsys, "log-sql") == {"columns": ["n"], "rows": [[stats["messages"]]]}
    assert stats["usage"]["proposer"]["calls"] == 6
    assert sum(stats["time"][name] for name in ("reasoning", "executing", "both", "neither")) == pytest.approx(1)


def test_a_report_goes_where_it_is_asked(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("report", RUN, "-o", str(tmp_path / "r.html"), "--json") == 0
    assert document(capsys, "report")["bytes"] == (tmp_path / "r.html").stat().st_size
    assert gome("report", RUN) == 0
    assert (runs / RUN / "report.html").is_file()


def test_a_dry_resume_names_the_calls_in_flight(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = sample_run(run="261124-0000-torn-0000", finish=False)
    began = next(each for each in sample.envelopes if each.kind == "activity_started" and each.sender == "writer-0")
    sample.envelopes = sample.envelopes[: began.seq]
    sample.write(runs / sample.run)
    assert gome("resume", "@last", "--dry-run", "--json") == 0
    assert [each["id"] for each in document(capsys, "resume-dry-run")] == [began.id]


def test_a_resume_may_change_its_budget_and_nothing_else() -> None:
    budget = extended_budget({"time": 100.0, "trials": 12}, ("budget.time=10min", "budget.trials=none"))
    assert (budget.time, budget.trials) == (600.0, None)
    for wrong in ("traces=4", "budget.tim=3s", "budget.time", "budget.time=soon", "budget.trials=-1"):
        with pytest.raises(UsageError, match="--set"):
            extended_budget({}, (wrong,))


def test_reading_writes_nothing(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def state() -> dict[Path, str]:
        files = [
            path for path in (runs / RUN).rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))
        ]
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = state()
    for arguments in (("log", RUN), ("log", "stats", RUN), ("best", RUN), ("runs",)):
        assert gome(*arguments) == 0
    assert state() == before


def test_the_tree_puts_each_step_under_the_one_it_changed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("tree", RUN, "--json") == 0
    parents = {each["step"]: each["parent"] for each in document(capsys, "tree")}
    assert parents == {"0.1": None, "0.2": "0.1", "0.3": "0.2", "1.1": None, "1.2": "1.1", "1.3": "1.1"}
    assert gome("tree", RUN) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if "1.2" in line).startswith("  ├ 1.2 ✓ 0.4100 (+0.08)")
    assert next(line for line in lines if "1.2" in line).endswith("⇠ from 0.2")


def test_a_run_at_work_says_what_it_does_and_what_is_measured_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOME_RUNS", str(tmp_path))
    sample = sample_run(finish=False)
    told = next(each.seq for each in sample.envelopes if each.kind == "diagnosis" and each.step == 1)
    asked = max(
        each.seq for each in sample.envelopes if each.kind == "activity_started" and each.seq < told and each.step == 1
    )
    sample.envelopes = sample.envelopes[:asked]
    assert sample.envelopes[-1].sender.startswith("diagnoser"), "its question is in flight"
    sample.write(tmp_path / sample.run)
    with RunLock(tmp_path / sample.run):
        assert gome("tree") == 0
        tree = capsys.readouterr()
        assert gome("runs") == 0
        runs = capsys.readouterr().out
        assert gome("runs", "--json") == 0
        (row,) = document(capsys, "runs")
        assert gome("log") == 0
        log = capsys.readouterr().out
    step = next(line for line in tree.out.splitlines() if "(awaiting its diagnosis)" in line)
    score = row["awaiting"][step.split()[1]]
    assert f"{score:.4f}"[:5] in step
    assert "awaiting diagnosis" in runs
    for screen in (tree.out, runs, log):
        assert "diagnoser" in screen[screen.index("now ") :], "what is asked now"
    assert row["now"].startswith("diagnoser")
    assert row["trials"] == row["accepted"] + row["open"]
    assert gome("runs", "--json") == 0
    assert document(capsys, "runs")[0]["now"] == "", "nobody works on it any more"


def test_no_next_step_is_named_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOME_RUNS", str(tmp_path))
    sample = sample_run(finish=False)
    first = next(each.seq for each in sample.envelopes if each.kind == "step_opened")
    sample.envelopes = sample.envelopes[: first - 1]
    sample.write(tmp_path / sample.run)
    assert gome("tree") == 0
    said = capsys.readouterr().err
    assert "gome diff" not in said
    assert "--follow" in said


def test_a_diff_shows_the_change_and_its_effect_on_each_fold(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("diff", RUN, "0.2", "--json") == 0
    found = document(capsys, "diff")
    assert (found["from"], found["to"]) == ("0.1", "0.2")
    assert "-# step 0.1" in found["diff"]
    assert "+# step 0.2" in found["diff"]
    assert found["folds"][0] == pytest.approx([0.458, 0.418])
    assert gome("diff", RUN, "0.2", "1.1", "--json") == 0
    assert document(capsys, "diff")["from"] == "1.1"
    assert gome("diff", RUN, "9.9") == 2
    assert "0.1, 1.1, 0.2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("role", {"diagnoser", "finisher", "proposer", "runner", "writer"}),
        ("trace", {"the run", "trace 0", "trace 1"}),
        ("model", {"expert (rule-based, not a language model)", "scripts"}),
        ("question", {"AssessTrial", "ProposeStep", "WriteSolution", "scripts"}),
    ],
)
def test_costs_add_up_however_they_are_grouped(
    runs: Path, capsys: pytest.CaptureFixture[str], by: str, groups: set[str]
) -> None:
    assert gome("cost", RUN, "--by", by, "--json") == 0
    found = document(capsys, "cost")
    assert set(found["groups"]) == groups
    for name in ("calls", "tokens", "usd", "scripts"):
        assert sum(each[name] for each in found["groups"].values()) == pytest.approx(found["total"][name])
    assert found["rejected"]["calls"] == 6


def test_the_gantt_has_a_lane_for_each_actor_and_slot(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("gantt", RUN) == 0
    lanes = {line[:11].strip() for line in capsys.readouterr().out.splitlines()}
    assert {"diagnoser-0", "proposer-1", "writer-0", "slot 0"} <= lanes
    assert gome("gantt", RUN, "--json") == 0
    assert len(document(capsys, "gantt")["spans"]) == 26


def test_two_runs_are_compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("compare", RUN, UNFINISHED, "--json") == 0
    found = document(capsys, "compare")
    assert found["runs"] == [RUN, UNFINISHED]
    assert [each["test_score"] for each in found["figures"]] == [0.418, None]
    assert (found["settings"], found["ideas"]) == ({}, [[], []])


@pytest.mark.parametrize("verb", ["tree", "diff", "cost", "gantt", "memory", "best", "runs", "log"])
def test_every_screen_names_what_to_do_next(runs: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert gome(*([verb] if verb == "runs" else [verb, RUN])) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1].startswith("next: gome ")
    assert printed.out


def test_a_run_whose_lock_is_held_is_running(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunLock(runs / UNFINISHED):
        assert gome("runs", "--json") == 0
        assert [each["state"] for each in document(capsys, "runs")] == ["running", "finished"]
    assert gome("runs", "--json") == 0
    assert [each["state"] for each in document(capsys, "runs")] == ["stopped", "finished"]


def test_following_in_json_prints_json_alone(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("log", RUN, "-f", "--json", "--last", "1") == 0
    assert [json.loads(line)["schema"] for line in capsys.readouterr().out.splitlines()] == ["gome.message/1"]


def test_an_unknown_role_says_so(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("log", RUN, "--role", "propser") == 2
    assert "there is no role 'propser'; did you mean proposer?" in capsys.readouterr().err
    assert gome("log", RUN, "--role", "boss-1") == 2
    assert "roles are clock, completer, " in capsys.readouterr().err
    assert gome("log", RUN, "--role", "proposer-0") == 0
