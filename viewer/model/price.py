"""What a run has cost, and which of its models have no known price; unknown is not zero, from the first moment on."""

from gome.viewer.model.summary import Summary

__all__ = ["spent", "unpriced"]


def spent(summary: Summary) -> float | None:
    """USD that the run has cost; None where a call had no price, or the first call will have none."""
    total = summary.total()
    return None if not total.calls and unpriced(summary) else total.known_usd


def unpriced(summary: Summary) -> list[str]:
    """One message with a remedy for each model of the run whose price is unknown."""
    if summary.opened is None or summary.by_rules:
        return []
    from pydantic import ValidationError

    from gome.scenarios.config.prices import missing_prices
    from gome.scenarios.config.scenario import Scenario

    roles = [session.roles for session in summary.sessions if session.roles]
    try:
        scenario = Scenario.model_validate({**summary.opened.scenario, **({"roles": roles[-1]} if roles else {})})
    except ValidationError:  # the log of another version: what its calls say is all that is known
        return []
    return missing_prices(scenario)
