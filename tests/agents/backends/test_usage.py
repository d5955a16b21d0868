"""Tokens as endpoints count them: what they do not say is unknown."""

from typing import Any

import pytest

from gome.agents.backends.llm.wire import read_usage


@pytest.mark.parametrize(
    ("said", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 60}}, 60),
        ({"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 60}, 0),
        ({"prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 40}, 60),
        ({"prompt_tokens_details": None}, None),
        ({"prompt_tokens_details": {"cached_tokens": "many"}}, None),
        ({}, None),
    ],
)
def test_cached_tokens_are_read_in_either_form(said: dict[str, Any], cached: int | None) -> None:
    usage = read_usage({"prompt_tokens": 100, "completion_tokens": 20, **said})
    assert (usage.input, usage.cached, usage.output) == (100, cached, 20)
