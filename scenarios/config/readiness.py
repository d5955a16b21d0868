"""What a scenario's models still need before they can be asked: keys in the environment, and prices."""

from collections.abc import Mapping

from gome.scenarios.config.prices import missing_prices
from gome.scenarios.config.scenario import Backend, LanguageModel, Scenario

__all__ = ["asks_models", "key_words", "lacking"]


def asks_models(scenario: Scenario) -> bool:
    """Whether a role of the scenario asks a language model."""
    return any(isinstance(scenario.backends[name], LanguageModel) for name in scenario.roles.backends)


def key_words(settings: Backend, environment: Mapping[str, str]) -> str:
    """Whether the key that the backend names is set in the environment, in words."""
    if not isinstance(settings, LanguageModel):
        return "not needed"
    if settings.api_key_env is None:
        return "none named"
    return f"{settings.api_key_env} is {'set' if environment.get(settings.api_key_env, '').strip() else 'missing'}"


def lacking(scenario: Scenario, environment: Mapping[str, str]) -> list[str]:
    """One message for each backend in use whose key is not set, and for each model whose price is unknown."""
    found = []
    for name in scenario.roles.backends:
        words = key_words(scenario.backends[name], environment)
        if words.endswith(" is missing"):
            found.append(f"backends.{name}: the environment variable {words}")
    return [*found, *missing_prices(scenario)]
