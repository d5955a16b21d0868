"""The benchmark of the cache: what its server knows of prefixes, and what its page says of a run of two trials."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import cache
from benchmarks.cache import Line, page, published
from benchmarks.shared.prefix_cache import CHARACTERS, LEAST, STEP, PrefixCache

PREFIX = "x" * LEAST * CHARACTERS


def asked(prompt: str, **more: Any) -> dict[str, Any]:
    return {"input": prompt, "prompt_cache_key": "run", **more}


def test_prefixes_are_known_in_steps_from_the_shortest_on() -> None:
    known = PrefixCache()
    assert known.cached(asked(PREFIX)) == 0
    known.keep(asked(PREFIX + "y" * (STEP * CHARACTERS + 1)))
    assert known.cached(asked(PREFIX)) == LEAST
    assert known.cached(asked(PREFIX + "y" * STEP * CHARACTERS + "z")) == LEAST + STEP
    assert known.cached(asked(PREFIX + "y" * (STEP * CHARACTERS - 1))) == LEAST
    assert known.cached(asked(PREFIX[:-1])) == 0, "too short"
    assert known.cached(asked("z" + PREFIX)) == 0, "no prefix"


def test_a_prefix_is_known_by_its_key_its_instructions_and_its_schema() -> None:
    known, schema = PrefixCache(), {"text": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}
    known.keep(asked(PREFIX, **schema))
    assert known.cached(asked(PREFIX, **schema)) >= LEAST
    assert known.cached(asked(PREFIX)) == 0
    assert known.cached(asked(PREFIX, instructions="Be brief.", **schema)) == 0
    assert known.cached(asked(PREFIX, **schema) | {"prompt_cache_key": "another"}) == 0


def test_the_page_says_share_and_cost() -> None:
    told = page([Line("SurveyTask", 1, 1000, 0, 100, 2.0, 0.0), Line("all", 2, 2000, 800, 200, 3.0, 1.0)], "gpt-5")
    assert told.splitlines()[2].split() == ["all", "2", "2,000", "800", "40%", "3.0000", "4.0000"]
    assert "40% of the prompt tokens" in told
    assert "3.0000 USD instead of 4.0000, in both 0.0020 for answers" in told


def test_prices_are_the_published_ones() -> None:
    prices = published("gpt-5")
    assert (prices.input, prices.cached, prices.output) == pytest.approx((1.25, 0.125, 10))
    with pytest.raises(SystemExit, match="no model my-own"):
        published("my-own")


@pytest.mark.xdist_group("prompts")
def test_the_requests_of_a_run_are_put_to_the_server(two_trials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache.main(["--of", str(two_trials)])
    told = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line}
    assert {name: told[name][0] for name in ("SurveyTask", "ProposeStep", "all")} == {
        "SurveyTask": "1",
        "ProposeStep": "2",
        "all": "7",
    }
    assert told["SurveyTask"][3] == "0%", "the first question warms the cache"
    assert int(told["ProposeStep"][3].rstrip("%")) > 20
    assert float(told["all"][4]) < float(told["all"][5])
