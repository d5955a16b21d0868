"""Who provides a model, as traces of other tools name them."""

import pytest

from gome.agents.backends.llm.provider import provider_of


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1/", "azure.ai.openai"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gcp.gemini"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "aws.bedrock"),
        ("http://127.0.0.1:8000/v1", "127.0.0.1"),
        ("https://api.openai.com.models.example/v1", "api.openai.com.models.example"),
        ("", "unknown"),
    ],
)
def test_a_provider_is_known_by_its_host(url: str, name: str) -> None:
    assert provider_of(url) == name
