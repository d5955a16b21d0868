"""What a run knows, as `memory` shows it; and what a step took from another trace, in tree, diff and report."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gome.agents.protocol.messages import Diagnosis, Job, Proposal, Recollection, SolutionCompleted
from gome.agents.protocol.types import TraceBest
from gome.viewer.model.borrowed import Borrowings
from gome.viewer.model.script_diff import script_of
from gome.viewer.model.summary import summarise
from gome.viewer.web.lineage import lineage
from gome.viewer.web.report import render
from tests.cli.printed import data_of
from tests.cli.reading.test_commands import gome
from tests.viewer.sample import RUN, Sample, sample_run, trial

NAME = "261125-0800-remembers-0000"
CHANGES = "accepted changes (for, against: trials with their gains in standard errors)"
GIVEN = "its 4 trials together show no gain"


def change(sample: Sample, kind: type, place: tuple[int, int], **more: Any) -> None:
    """Let a message of that step say something else."""
    for at, each in enumerate(sample.envelopes):
        if isinstance(each.message, kind) and (each.trace, each.step) == place:
            sample.envelopes[at] = replace(each, message=each.message.model_copy(update=more))


def remembering() -> Sample:
    """Beside the sample's steps: a script that was mended, a finding that was contradicted, a change that was tried in
    vain, a merge, and a step that goes on from another trace's solution."""
    sample = sample_run(run=NAME, finish=False)
    traces = summarise(sample.envelopes).traces
    (given,) = traces[1].steps[2].recalled
    best, other = script_of(traces[1].steps[2]), script_of(traces[0].steps[2])
    assert best is not None
    assert other is not None
    trial(sample, 0, 4, "failed", None, None, other)
    trial(sample, 1, 4, "rejected", 0.61, -0.2, best, given)
    trial(sample, 1, 5, "accepted", 0.40, 0.01, best)
    trial(sample, 1, 6, "rejected", 0.45, -0.05, other)
    trial(sample, 1, 7, "rejected", 0.5, -0.1, best, given)
    change(sample, Diagnosis, (0, 3), finding="The weather adds nothing.")
    change(sample, Diagnosis, (0, 4), verdict="rejected")
    change(sample, Diagnosis, (1, 4), contradicts=((0, 3),))
    change(sample, Proposal, (1, 5), step_kind="merge", other_ref=other)
    change(sample, Proposal, (1, 6), step_kind="return")
    return sample


@pytest.fixture
def run(runs: Path) -> str:
    remembering().write(runs / NAME)
    return NAME


def known(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert gome("memory", *arguments, "--json") == 0
    return data_of(capsys.readouterr().out, "memory")


def test_a_change_has_what_speaks_for_and_against_it(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = {each["step"]: each for each in known(capsys, run)["successes"]}
    assert list(found) == ["0.1", "1.1", "0.2", "1.2", "1.5"]
    change = found["0.2"]
    assert (change["gain"], change["standard_error"], change["score"]) == (0.04, 0.002, 0.43)
    assert change["supporting"] == [{"step": "0.2", "gain": 20.0}, {"step": "1.2", "gain": 40.0}]
    assert change["contradicting"] == [{"step": "1.4", "gain": -100.0}, {"step": "1.7", "gain": -50.0}]
    assert change["demoted"] == f"step 4 of trace 1 tried it and lost 100.0 standard errors; {GIVEN}"
    assert change["readers"] == [
        {"step": "1.2", "used": True, "verdict": "accepted", "gain": 0.08, "paid": True},
        {"step": "1.4", "used": True, "verdict": "rejected", "gain": -0.2, "paid": False},
        {"step": "1.7", "used": True, "verdict": "rejected", "gain": -0.1, "paid": False},
    ]
    root = found["0.1"]
    assert (root["gain"], root["supporting"], root["contradicting"], root["demoted"]) == (None, [], [], None)


def test_failures_findings_and_standings_are_shown(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = known(capsys, run)
    assert [(each["step"], each["words"], each["mended"]) for each in found["failures"]] == [
        ("0.4", "KeyError: 'hr'", "one line"),
        ("1.3", "failed by its folds", None),
    ]
    (finding,) = found["findings"]
    assert (finding["step"], finding["text"]) == ("0.3", "The weather adds nothing.")
    assert (finding["gain"], finding["contradicted"]) == (None, ["1.4"])
    stands = [(each["trace"], each["step"], each["score"], each["trials"]) for each in found["states"]]
    assert stands == [(0, "0.2", 0.43, 4), (1, "1.5", 0.40, 7)]


def test_the_tables_say_the_same(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("memory", run) == 0
    lines = capsys.readouterr().out.splitlines()
    change = next(line for line in lines if line.split()[0:1] == ["0.2"])
    for words in ("+0.04", "0.002", "0.2 +20.0, 1.2 +40.0", "1.4 −100.0, 1.7 −50.0", "1.2 ✓ +0.08, 1.4 ✗ −0.2"):
        assert words in change
    assert f"0.2 is demoted: step 4 of trace 1 tried it and lost 100.0 standard errors; {GIVEN}" in lines
    titles = {CHANGES, "failures", "findings", "state of each trace"}
    assert titles <= set(lines)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("success", CHANGES),
        ("failure", "failures"),
        ("finding", "findings"),
        ("state", "state of each trace"),
    ],
)
def test_one_kind_is_shown_alone(run: str, kind: str, title: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = known(capsys, run, "--kind", kind)
    assert found.pop("kind") == kind
    assert [bool(each) for each in found.values()].count(True) == 1
    assert gome("memory", run, "--kind", kind) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == title
    assert "\n\n" not in out


def test_another_kind_is_an_error_in_words(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("memory", run, "--kind", "dream") == 2
    assert capsys.readouterr().err.startswith("error[")


def test_the_memory_is_what_it_was_at_a_message(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [
        (each["step"], [reader["step"] for reader in each["readers"]]) for each in known(capsys, RUN)["successes"]
    ] == [
        ("0.1", []),
        ("1.1", []),
        ("0.2", ["1.2"]),
        ("1.2", []),
    ]
    second = [each for each in sample_run().envelopes if each.kind == "diagnosis"][3]
    found = known(capsys, RUN, "--as-of", second.id)
    assert [each["step"] for each in found["successes"]] == ["0.1", "1.1"]
    given = next(
        each for each in sample_run().envelopes if isinstance(each.message, Recollection) and each.message.recalled
    )
    change = known(capsys, RUN, "--as-of", given.id)["successes"][-1]
    assert change["readers"] == [{"step": "1.2", "used": False, "verdict": None, "gain": None, "paid": None}]


def test_a_memory_without_an_entry_is_said_to_be_empty(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = sample_run().envelopes[0].id
    assert gome("memory", RUN, "--as-of", first) == 0
    assert "the memory has no entry yet" in capsys.readouterr().out
    assert gome("memory", RUN, "--as-of", first, "--kind", "finding") == 0
    assert "the memory has no finding yet" in capsys.readouterr().out


def test_a_trace_without_a_solution_stands_nowhere_yet(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    surveyed = next(each for each in sample_run().envelopes if each.kind == "diagnosis")
    assert known(capsys, RUN, "--as-of", surveyed.id)["states"] == [
        {"trace": 0, "step": None, "score": None, "judged": "", "idea": None, "trials": 0}
    ]
    assert gome("memory", RUN, "--as-of", surveyed.id) == 0
    assert "no solution yet" in capsys.readouterr().out


def test_the_tree_shows_what_was_taken_from_another_trace(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("tree", run, "--json") == 0
    nodes = {each["step"]: each for each in data_of(capsys.readouterr().out, "tree")}
    assert [nodes[name]["taken_from"] for name in ("1.1", "1.2", "1.4", "1.5", "1.6")] == [
        [],
        ["0.2"],
        ["0.2"],
        ["0.2"],
        [],
    ]
    assert [(nodes[name]["kind"], nodes[name]["parent"]) for name in ("1.2", "1.5", "1.6")] == [
        ("edit", "1.1"),
        ("merge", "1.2"),
        ("return", "0.2"),
    ]
    assert gome("tree", run) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if " 1.5 " in line).endswith("⇠ from 0.2")
    assert next(line for line in lines if " 1.6 " in line).endswith("⇠ on 0.2")


def test_a_diff_says_what_was_taken_from_whom(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("diff", run, "1.5", "--json") == 0
    found = data_of(capsys.readouterr().out, "diff")
    assert (found["from"], found["taken_from"]) == ("1.2", ["0.2"])
    assert gome("diff", run, "1.5") == 0
    printed = capsys.readouterr()
    assert "it merges the solution of 0.2: FeatureEng: Idea 0.2: a feature of the hour" in printed.out
    assert f"gome diff {run} 1.5 0.2" in printed.err
    assert gome("diff", run, "1.2") == 0
    assert "it adopts the change of 0.2" in capsys.readouterr().out
    assert gome("diff", run, "1.6", "--json") == 0
    assert data_of(capsys.readouterr().out, "diff")["from"] == "0.2"


def test_a_diff_says_that_a_repair_took_the_idea_out(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = remembering()
    change(sample, Diagnosis, (0, 2), hypothesis_verdict="untested")
    change(sample, Job, (0, 2), notes="without the feature")
    sample.write(runs / NAME)
    assert gome("diff", NAME, "0.2") == 0
    printed = capsys.readouterr().out
    assert "untested: a repair took this out of the script. What changed: without the feature" in printed


def test_the_report_shows_merges_beside_what_memory_gave() -> None:
    sample = remembering()
    summary = summarise(sample.envelopes)
    loans = [loan for step in summary.trials for loan in Borrowings(summary).of(step)]
    assert [(loan.step.name, loan.source, loan.why, loan.taken) for loan in loans] == [
        ("1.2", "0.2", "sampled", True),
        ("1.4", "0.2", "sampled", True),
        ("1.5", "0.2", "merged", True),
        ("1.7", "0.2", "sampled", True),
    ]
    assert '<td class="tight">merged</td>' in render(sample.envelopes, sample)
    family = lineage(summary)
    assert (len(family.loans), len(family.edges)) == (4, 9), "a step on another trace's solution has its edge, too"


def test_of_two_who_made_the_same_script_the_one_that_was_chosen_is_named() -> None:
    sample = remembering()
    summary = summarise(sample.envelopes)
    script = script_of(summary.traces[0].steps[2])
    assert script is not None
    change(sample, Diagnosis, (0, 3), script_ref=script)
    standing = TraceBest(trace=0, step=3, score=0.4, idea="", trials=3, script_ref=script)
    assert Borrowings(summarise(sample.envelopes)).taken(summarise(sample.envelopes).traces[1].steps[5]) == ("0.2",)
    change(sample, Recollection, (1, 5), standings=(standing,))
    again = summarise(sample.envelopes)
    assert Borrowings(again).taken(again.traces[1].steps[5]) == ("0.3",)


def test_a_finding_shows_its_gain_as_it_is_on_splits_that_were_run_since(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What prompts say of it: the finding's own words are of the splits that its trial was judged on."""
    sample = remembering()
    place = next(each for each in sample.envelopes if isinstance(each.message, Diagnosis) and each.message.finding)
    said = place.message
    assert isinstance(said, Diagnosis) and said.evaluation is not None and said.script_ref is not None
    whole = said.evaluation
    part = whole.model_copy(update={"splits": whole.splits[:2], "folds": whole.folds[:2], "planned": 5})
    change(sample, Diagnosis, (place.trace or 0, place.step or 0), evaluation=part)
    completed = SolutionCompleted(
        script_ref=said.script_ref, evaluation=whole, submission_ref="s", oof_ref=None, diagnostics_ref=None
    )
    sample.say("completer-0", completed, place.trace, place.step)
    sample.write(runs / NAME)
    (finding,) = known(capsys, NAME, "--kind", "finding")["findings"]
    assert finding["splits"] == len(whole.splits)
    assert gome("memory", NAME, "--kind", "finding") == 0
    out = capsys.readouterr().out
    assert "gain now" in out
    assert f"on {len(whole.splits)} splits" in out
