"""What a provider's cache of prefixes serves of a run's prompts, and what that saves.

`python -m benchmarks.cache [--trials N] [--of FOLDER] [--model NAME] [--structured FORM]` runs scenarios/bike-demand as
`benchmarks.prompts` does: ten trials in two traces, answered by the offline expert. Then each request of the log is put
once more, one after the other, by the `openai` backend to a server on this machine that caches prefixes as OpenAI's
does (`benchmarks/shared/prefix_cache.py`) and answers what the log has. The table shows, for each question, what the
backend made of the server's count: tokens, the share of the prompts that the cache served, and USD at the published
prices of the model, with and without the cache.

`--of FOLDER` puts the requests of an existing run. `--structured json` asks for replies without a schema.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import anyio

from benchmarks.prompts import QUESTIONS, options, replies, requests, run_of
from benchmarks.shared.prefix_cache import serving
from gome.agents.backends.base import Answer
from gome.agents.backends.openai.backend import OpenAIBackend
from gome.agents.protocol.messages import VOCABULARY
from gome.bus.store.reader import LogReader
from gome.scenarios.config.prices import Tariff
from gome.scenarios.config.providers import OPENAI_URL
from gome.scenarios.config.scenario import OpenAIBackend as Settings
from gome.scenarios.config.scenario import Prices

__all__ = ["Line", "main", "measured", "page", "published"]

MODEL = "gpt-5"
AIM = "aim: at least 60 % of the prompt tokens from the cache"


@dataclass(frozen=True)
class Line:
    """What the calls of one question took, or of `all`. `saved` is what they would have cost more without the cache."""

    question: str
    calls: int = 0
    tokens: int = 0
    cached: int = 0
    output: int = 0
    usd: float = 0.0
    saved: float = 0.0

    def __add__(self, other: "Line") -> "Line":
        figures = [each.name for each in fields(self)[1:]]
        return Line(self.question, *(getattr(self, name) + getattr(other, name) for name in figures))


def published(model: str) -> Prices:
    """The published prices of one of OpenAI's models, for a short prompt."""
    tariff = Tariff(model, OPENAI_URL, None)
    costs = [tariff.usd(1000, 0, 0), tariff.usd(1000, 1000, 0), tariff.usd(0, 0, 1000)]
    found = [each * 1000 for each in costs if each is not None]
    if len(found) < len(costs):
        raise SystemExit(f"the bundled list of prices has no model {model} of OpenAI")
    return Prices(input=found[0], cached=found[1], output=found[2])


async def measured(folder: Path, model: str, structured: str = "schema") -> list[Line]:
    """Put the requests of the run in `folder` in its order; a line for each question, then of all together."""
    with LogReader(folder, VOCABULARY) as reader:
        said = replies(reader)
        put = [(request, said[asked.request_hash]) for request, asked in requests(reader)]
    answers = iter([reply for _, reply in put])
    made: dict[str, Line] = {}
    with serving(lambda _: next(answers)) as base_url:
        given = {"api": "responses", "structured": structured, "asks": 1, "prices": published(model)}
        settings = Settings.model_validate({"kind": "openai", "model": model, "base_url": base_url} | given)
        backend = OpenAIBackend(settings, "cached", environment={})
        for request, _ in put:
            name = type(request).__name__
            made[name] = made.get(name, Line(name)) + _line(await backend.answer(request))
        await backend.aclose()
    lines = [made[each.__name__] for each in QUESTIONS if each.__name__ in made]
    return [*lines, sum(lines, Line("all"))]


def _line(answer: Answer) -> Line:
    used = answer.usage
    assert not answer.failure, answer.failure
    assert used is not None
    assert used.input is not None and used.cached is not None and used.output is not None
    assert used.usd is not None and used.saved is not None
    return Line("", 1, used.input, used.cached, used.output, used.usd, used.saved)


def page(lines: Sequence[Line], model: str) -> str:
    """The table, with the aim."""
    rows = [f"{'question':<16}{'calls':>7}{'tokens':>10}{'cached':>10}{'share':>8}{'USD':>10}{'without':>10}"]
    rows += [
        f"{each.question:<16}{each.calls:>7}{each.tokens:>10,}{each.cached:>10,}{each.cached / each.tokens:>8.0%}"
        f"{each.usd:>10.4f}{each.usd + each.saved:>10.4f}"
        for each in lines
    ]
    total = lines[-1]
    now = (
        f"now: {total.cached / total.tokens:.0%} of the prompt tokens from the cache; at the published prices of "
        f"{model} {total.usd:.4f} USD instead of {total.usd + total.saved:.4f}, in both {_output(total, model):.4f} "
        "for answers"
    )
    return "\n".join([*rows, "", now, AIM])


def _output(line: Line, model: str) -> float:
    return line.output * published(model).output / 1e6


def main(arguments: Sequence[str]) -> None:
    """Run, put the requests to the server with the cache, and print the table."""
    parser = options("cache")
    parser.add_argument("--model", default=MODEL, help="one of OpenAI's models, whose published prices are used")
    parser.add_argument("--structured", default="schema", choices=("schema", "json", "text"))
    asked = parser.parse_args(arguments)
    with run_of(asked.trials, asked.of) as folder:
        print(page(anyio.run(measured, folder, asked.model, asked.structured), asked.model))


if __name__ == "__main__":
    main(sys.argv[1:])
