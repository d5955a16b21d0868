"""A run in other tools' formats: the same each time, right in its figures, harmless in its words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.bus.events import ActivityFinished, ActivityStarted
from gome.viewer.export.chrome import chrome_trace
from tests.cli.reading.test_commands import gome
from tests.viewer.sample import EMBEDDER, RUN, sample_run
from tests.viewer.web.test_report import HOSTILE


def about(span: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def test_spans_stand_in_their_places(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = sample_run(run="261124-0100-more-0000")
    called = next(each for each in sample.envelopes if each.kind == "finish_called")
    sample.activity("finisher", "grade", "private grade", called, 0.1)
    sample.activity("memory-keeper", "embed", "3 texts", called, 0.2, calls=1.0, tokens=30.0, usd=0.0001)
    sample.write(runs / sample.run)
    assert gome("export", sample.run, "--to", "otlp") == 0
    spans = json.loads(capsys.readouterr().out)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert sum(span["name"] == "execute_tool grade" for span in spans) == 1
    (embedded,) = (about(span) for span in spans if span["name"] == f"embeddings {EMBEDDER}")
    assert (embedded["gen_ai.operation.name"], embedded["gen_ai.request.model"]) == ("embeddings", EMBEDDER)
    assert not any(span["name"] == "chat unknown" for span in spans)
    by_id = {span["spanId"]: span for span in spans}
    assert len(by_id) == len(spans)
    above = {
        "chat": "invoke_agent",
        "embeddings": "invoke_agent",
        "execute_tool": "invoke_agent",
        "invoke_agent": "invoke_workflow",
    }
    for span in spans:
        operation = about(span)["gen_ai.operation.name"]
        assert span["name"].startswith(f"{operation} ")
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        if operation == "invoke_workflow":
            assert "parentSpanId" not in span
            continue
        parent = by_id[span["parentSpanId"]]
        assert about(parent)["gen_ai.operation.name"] == above[operation]
        assert int(parent["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
        assert int(span["endTimeUnixNano"]) <= int(parent["endTimeUnixNano"])


def check_trace(trace: dict[str, Any]) -> dict[tuple[int, int], str]:
    """Hold a trace against the rules of the Trace Event Format that Perfetto's importer needs; its lanes by name.

    https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: every event has its phase, process
    and thread; times are whole microseconds; complete events of a thread nest; threads have a name.
    """
    events = trace["traceEvents"]
    named = {(each["pid"], each["tid"]): each["args"]["name"] for each in events if each["name"] == "thread_name"}
    assert {each["pid"] for each in events if each["name"] == "process_name"} >= {pid for pid, _ in named}
    assert len(set(named.values())) == len(named)
    last: dict[tuple[int, int], int] = {}
    open_: dict[tuple[int, int], list[int]] = {}
    for each in (event for event in events if event["ph"] != "M"):
        lane = (each["pid"], each["tid"])
        assert lane in named
        assert isinstance(each["ts"], int)
        assert each["ts"] >= last.get(lane, 0), "the events of a lane are in the order of their time"
        last[lane] = each["ts"]
        if each["ph"] == "i":
            assert each["s"] == "t"
            continue
        assert each["ph"] == "X"
        end, ends = each["ts"] + each["dur"], open_.setdefault(lane, [])
        while ends and ends[-1] <= each["ts"]:
            ends.pop()
        assert isinstance(each["dur"], int)
        assert each["dur"] >= 0
        assert not ends or end <= ends[-1], "spans of a lane lie one in the other or apart"
        ends.append(end)
    return named


def test_a_chrome_trace_has_a_lane_for_each_actor_and_slot(runs: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "trace.json"
    assert gome("export", RUN, "--to", "chrome-trace", "-o", str(target)) == 0
    trace = json.loads(target.read_text(encoding="utf-8"))
    assert {"proposer-0", "diagnoser-1", "memory-keeper", "slot 0"} <= set(check_trace(trace).values())
    assert sum(each["ph"] == "X" for each in trace["traceEvents"]) == 26
    assert [path.name for path in target.parent.iterdir()] == ["trace.json"]


@given(
    st.lists(
        st.tuples(st.sampled_from(("proposer-0", "runner-0", "runner-1")), st.floats(0, 9), st.floats(0, 9)),
        max_size=30,
    )
)
def test_whatever_overlaps_a_chrome_trace_keeps_its_rules(calls: list[tuple[str, float, float]]) -> None:
    sample = sample_run(finish=False)
    cause = sample.envelopes[-1]
    started = []
    for number, (actor, start, seconds) in enumerate(calls):
        activity = "script" if actor.startswith("runner") else "reason"
        common = {"activity": activity, "label": "x", "ordinal": number, "attempt": 1, "request_hash": "h"}
        began = ActivityStarted(**common, request_ref="r")
        ended = ActivityFinished(**common, result_ref="r", seconds=seconds, meter={"script_seconds": seconds})
        started += [(50 + start, actor, began), (50 + start + seconds, actor, ended)]
    for time, actor, message in sorted(started, key=lambda each: (each[0], each[2].kind == "activity_finished")):
        sample.time = time
        sample.say(actor, message, 0, 9, cause, later=0.0)
    trace = chrome_trace(sample.envelopes, redact=False)
    check_trace(trace)
    assert sum(each["ph"] == "X" for each in trace["traceEvents"]) == 25 + len(calls)


def test_lines_of_json_are_the_whole_log(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("export", RUN, "--to", "jsonl") == 0
    lines = [json.loads(line)["data"] for line in capsys.readouterr().out.splitlines()]
    assert [(each["seq"], each["id"]) for each in lines] == [(each.seq, each.id) for each in sample_run().envelopes]


@pytest.mark.parametrize("to", ["jsonl", "otlp", "chrome-trace"])
def test_redacted_nothing_that_an_agent_wrote_is_left(runs: Path, to: str, capsys: pytest.CaptureFixture[str]) -> None:
    mark = "SECRETWORDS"
    sample_run(lambda words: f"{words} {mark}", run="261124-0100-words-0000").write(runs / "261124-0100-words-0000")
    assert gome("export", "@last", "--to", to) == 0
    assert mark in capsys.readouterr().out
    assert gome("export", "@last", "--to", to, "--redact") == 0
    printed = capsys.readouterr().out
    assert mark not in printed
    assert "proposer-0" in printed


@pytest.mark.parametrize("to", ["jsonl", "otlp", "chrome-trace"])
def test_hostile_words_are_escaped(runs: Path, to: str, capsys: pytest.CaptureFixture[str]) -> None:
    sample_run(lambda words: f"{words} {HOSTILE}", run="261124-0100-hostile-0000").write(
        runs / "261124-0100-hostile-0000"
    )
    assert gome("export", "@last", "--to", to) == 0
    printed = capsys.readouterr().out
    assert "<script>" in printed  # it is data here, and harmless as such
    assert not set(printed) & set("\x1b\u202e\x9b")
