"""The benchmark of a trial: what its page says of given trials, and how one side judges pairs of plans."""

import json
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest

from benchmarks.crossover.tasks import write_task
from benchmarks.trial import compare as trial
from benchmarks.trial.compare import Pair, page, summary
from benchmarks.trial.side import Record, read, side

Runs = list[tuple[str, float, float, str]]
OLD: Runs = [("debug", 1.0, 2.0, "ok"), ("full", 5.0, 6.0, "ok"), ("probe", 1.0, 2.0, "ok"), ("twin", 1.0, 2.0, "ok")]
NEW: Runs = [("split-0", 1.0, 1.5, "ok"), ("split-1", 1.0, 1.5, "ok"), ("split-2", 0.5, 1.0, "abandoned")]


def record(number: int, verdict: str, runs: Runs = OLD, parent: int | None = 0, **plan: Any) -> Record:
    figures = {"gain": 0.1, "error": 0.05} if parent is not None else {"gain": None, "error": None}
    said: dict[str, Any] = {"hypothesis": None, "seconds": 9.0, "words": "", "script_ref": "", "evaluation": None}
    return Record(trace=0, number=number, parent=parent, plan=plan, runs=runs, verdict=verdict, **said, **figures)


def pair() -> Pair:
    before = [record(0, "first", parent=None), record(1, "better"), record(2, "worse"), record(3, "near-tie")]
    now = [
        record(0, "first", NEW, None),
        record(1, "near-tie", NEW),
        record(2, "stopped", NEW),
        record(3, "worse", NEW),
    ]
    return Pair("made-up", 2.5, before, now)


def test_a_slot_hour_counts_all_that_held_a_slot() -> None:
    told = summary([pair()])["made-up"]
    assert told["trials_per_slot_hour"] == {"before": 300.0, "now": 900.0}
    assert told["ratio"] == 3.0
    assert told["slot_seconds_by_kind"]["before"] == {"debug run": 2.0, "full run": 6.0, "examination": 4.0}
    assert told["slot_seconds_by_kind"]["now"] == {"a split": 3.0, "abandoned": 1.0}
    assert told["script_seconds"] == {"before": 5.0, "now": 1.0}


def test_decisions_that_differ_are_named() -> None:
    assert pair().agreement == pytest.approx(2 / 3), "the first has no parent; what is not better is not accepted"
    told = page([pair()])
    assert "| made-up | 4 | 5.0 s → 1.0 s | 12.0 → 4.0 | 300 → 900 | 3.00 | 2.5 | 67% (2 of 3) |" in told
    assert "agree in 66.7% of 3" in told
    assert (
        "- differs: trial 0.1, the first solution: better by +0.1 ± 0.05 before, near-tie by +0.1 ± 0.05 now." in told
    )


def test_without_the_history_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(trial, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="unshallow"):
        trial.old_tree(tmp_path)


def asked(folder: Path, task: Path, trials: int, plans: Path | None = None, standby: bool = True) -> dict[str, Any]:
    scenario = {
        "name": "trial",
        "task": "loans",
        "traces": 1,
        "backends": {"expert": {"kind": "expert"}},
        "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "expert"),
        "executors": {"slots": 1, "threads": 1, "standby": standby},
    }
    told = {"task": str(task), "folder": str(folder), "scenario": scenario, "trials": trials}
    return told | {"plans": str(plans) if plans else ""}


def judged(spec: dict[str, Any]) -> list[Record]:
    anyio.run(side, spec)
    return read(Path(spec["folder"]) / "records.jsonl")


@pytest.mark.slow
def test_a_trace_climbs_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """Slow, as the next: both are real trials of a tool that only measures."""
    task = write_task("loans", tmp_path / "loans", folds=2)
    (first,) = judged(asked(tmp_path / "one", task, 1))
    assert (first.verdict, first.parent, len(first.runs)) == ("first", None, 2)
    again, second = judged(asked(tmp_path / "one", task, 2))
    assert again == first, "read"
    assert (second.parent, second.verdict in ("better", "near-tie", "worse", "stopped")) == (0, True)
    assert second.hypothesis is not None
    assert second.plan != first.plan


@pytest.mark.slow
def test_a_parent_that_was_stopped_is_seen_to_its_end_and_not_counted(tmp_path: Path) -> None:
    task = write_task("loans", tmp_path / "loans", folds=2)
    given = [
        record(0, "first", parent=None, final="folds"),
        record(1, "better", iterations=300, learning_rate=0.5),
        record(2, "better", parent=1, iterations=15),
    ]
    plans = tmp_path / "plans.jsonl"
    plans.write_text("".join(f"{each.model_dump_json()}\n" for each in given) + '{"half')
    first, worse, better = judged(asked(tmp_path / "two", task, 3, plans))
    assert first.verdict == "first"
    assert worse.verdict == "stopped", "boosting learns little data by heart"
    assert len([run for run in worse.runs if run[3] == "ok"]) == 1
    assert json.loads(worse.model_dump_json())["evaluation"]["splits"] == [0, 1]
    assert (better.verdict, better.parent) == ("better", 1)
