"""Name the provider of a model by OpenTelemetry's conventions, or else by its host name."""

from urllib.parse import urlsplit

__all__ = ["provider_of"]

_BY_HOST = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "api.cohere.com": "cohere",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "amazonaws.com": "aws.bedrock",
}


def provider_of(url: str) -> str:
    """Provider of the server at the URL; the host name if the provider is not known."""
    host = urlsplit(url).hostname or "unknown"
    return next((name for end, name in _BY_HOST.items() if host == end or host.endswith(f".{end}")), host)
