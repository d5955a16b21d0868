"""Model requests of a trial: calls, prompt characters, and the share of them that a provider's cache could serve.

`python -m benchmarks.prompts [--trials N] [--of FOLDER]` runs scenarios/bike-demand in lockstep, ten trials in two
traces. The offline expert answers, and the scripts really run. Then every request in the log is rendered as the prompt
for a language model (system and user part), and a table is printed. Answers, and requests repeated because an answer
was invalid, are not included.

"in all" is the share of characters in the prefix that is identical in all prompts of the run; "in an earlier one" is
the share in the longest prefix that an earlier prompt had: what a cache without eviction could serve. `--of FOLDER`
renders the requests of an existing run, so that two versions of the templates can be compared on the same requests.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from gome.agents.backends.base import Answer
from gome.agents.backends.llm.asking import USUAL_WINDOW
from gome.agents.backends.llm.prompting import render
from gome.agents.protocol.activities import QUESTION
from gome.agents.protocol.messages import VOCABULARY, Diagnosis
from gome.agents.protocol.requests import AssessTrial, ProposeStep, Request, SurveyTask
from gome.agents.protocol.script_requests import RepairSolution, WriteSolution
from gome.agents.runtime.lifecycle import start_run
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.store.reader import LogReader
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import Scenario

__all__ = ["Asked", "Line", "lines", "main", "measured", "options", "page", "replies", "requests", "run_of"]

SCENARIO = Path(__file__).parents[1] / "scenarios" / "bike-demand.yaml"
TRIALS = 10
QUESTIONS: tuple[type[Request[Any]], ...] = (
    SurveyTask,
    ProposeStep,
    WriteSolution,
    RepairSolution,
    AssessTrial,
)
LIMIT = USUAL_WINDOW * 3 // 4
"""Maximum tokens of a prompt if a quarter of the usual window is left for the answer."""
BEFORE = "before: 4 calls and 112,000 characters a trial, measured with a language model on another task"
AIM = "aim: at most 3 calls and 60,000 characters a trial, at least 60 % of the characters the same in all"


@dataclass(frozen=True)
class Asked:
    """The prompts of a run as (request type, text), in the order of the log; and its number of trials."""

    prompts: tuple[tuple[str, str], ...]
    trials: int


@dataclass(frozen=True)
class Line:
    """Figures of one type of request, or of `all`. Shares are relative to its own characters."""

    question: str
    calls: int
    characters: int
    in_all: float
    in_earlier: float


def measured(folder: Path) -> Asked:
    """The prompts of the run whose log is in `folder`, rendered with the current templates."""
    with LogReader(folder, VOCABULARY) as reader:
        trials = sum(
            bool(each.step) for each in reader.envelopes(kinds=["diagnosis"]) if isinstance(each.message, Diagnosis)
        )
        return Asked(tuple(_prompts(reader)), trials)


def _prompts(reader: LogReader) -> Iterator[tuple[str, str]]:
    """The type of each request with its prompt."""
    for request, _ in requests(reader):
        prompt = render(request, LIMIT)
        yield type(request).__name__, prompt.system + prompt.user


def requests(reader: LogReader) -> Iterator[tuple[Request[Any], ActivityStarted]]:
    """Each request of a run with the message that put it, in the order of the log; a repeated request counts once."""
    kinds = {each.__name__: each for each in QUESTIONS}
    for each in reader.envelopes(kinds=["activity_started"]):
        asked = each.message
        if isinstance(asked, ActivityStarted) and asked.activity == QUESTION and asked.attempt == 1:
            yield kinds[asked.label].model_validate_json(reader.artefacts.read_now(asked.request_ref)), asked


def replies(reader: LogReader) -> dict[str, str]:
    """The recorded replies by the hash of their requests, in the form in which a model could have given them."""
    found = {}
    for each in reader.envelopes(kinds=["activity_finished"]):
        message = each.message
        if isinstance(message, ActivityFinished) and message.activity == "reason":
            answer = Answer.model_validate_json(reader.artefacts.read_now(message.result_ref))
            found[message.request_hash] = answer.raw or json.dumps(answer.reply)
    return found


def lines(asked: Asked) -> list[Line]:
    """Figures of each type of request in the order of the ring, then of all together."""
    texts = [text for _, text in asked.prompts]
    common = min((_shared(texts[0], text) for text in texts), default=0)
    earlier = [max((_shared(text, other) for other in texts[:at]), default=0) for at, text in enumerate(texts)]
    found = []
    for name in (*(each.__name__ for each in QUESTIONS), "all"):
        places = [at for at, (question, _) in enumerate(asked.prompts) if name in (question, "all")]
        characters = sum(len(texts[at]) for at in places)
        if places:
            served = sum(earlier[at] for at in places)
            found.append(Line(name, len(places), characters, common * len(places) / characters, served / characters))
    return found


def _shared(one: str, other: str) -> int:
    """Length of the common prefix."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def page(asked: Asked) -> str:
    """The table, with the figures per trial."""
    if not asked.prompts:
        return "the run has made no request yet"
    rows = [f"{'question':<16}{'calls':>7}{'characters a call':>19}{'in all':>8}{'in an earlier one':>19}"]
    found = lines(asked)
    rows += [
        f"{each.question:<16}{each.calls:>7}{each.characters / each.calls:>19,.0f}"
        f"{each.in_all:>8.0%}{each.in_earlier:>19.0%}"
        for each in found
    ]
    total, trials = found[-1], max(1, asked.trials)
    now = (
        f"now: {total.calls / trials:.1f} calls and {total.characters / trials:,.0f} characters a trial, "
        f"{total.in_all:.0%} of the characters the same in all; {asked.trials} trials"
    )
    return "\n".join([*rows, "", now, BEFORE, AIM])


def scenario_of(trials: int) -> Scenario:
    """The quick-start scenario with that many trials, in lockstep for reproducibility, and with a minimal finish."""
    changed = (f"budget={{trials: {trials}}}", "memory.consistency=lockstep", "method.finish={candidates: 1, seeds: 1}")
    return load_scenario(SCENARIO, changed)


@contextmanager
def run_of(trials: int, existing: Path | None) -> Iterator[Path]:
    """The folder of the existing run, or of a new one with that many trials, which is deleted in the end."""
    if existing is not None:
        yield existing
        return
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as name:
        folder = Path(name) / "run"
        anyio.run(lambda: start_run(scenario_of(trials), SCENARIO, folder, run_id="prompts"))
        yield folder


def options(name: str) -> argparse.ArgumentParser:
    """The options that say which run is measured."""
    parser = argparse.ArgumentParser(prog=f"benchmarks.{name}")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--of", type=Path, help="folder of an existing run; nothing is run")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run, render the prompts, and print the table."""
    asked = options("prompts").parse_args(arguments)
    with run_of(asked.trials, asked.of) as folder:
        print(page(measured(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
