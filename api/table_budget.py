"""The budget of a run on a user's own table: what the user names, and defaults for what is not named."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from gome.errors import UsageError
from gome.scenarios.config.model_names import as_backend, find_model
from gome.scenarios.config.prices import tariff_of
from gome.scenarios.config.scenario import Budget
from gome.scenarios.reading.document import parse_value

__all__ = ["budget_settings", "table_budget"]

_OFFLINE = {"time": "10min", "trials": 12}
_PRICED = {"time": "1h", "usd": 5}
_UNPRICED = {"time": "1h", "trials": 20}  # a model without a known price cannot have a budget in USD


def budget_settings(budget: str | int | Mapping[str, Any] | None) -> list[str]:
    """A budget as settings of a scenario (`budget.time="4min"`), the same for the command line and for Python.

    Args:
        budget: A time such as `4min`, a number of trials, or several limits by their names; None: no setting.

    Raises:
        UsageError: The text is neither a time nor a number of trials.
    """
    if budget is None:
        return []
    if isinstance(budget, Mapping):
        named = dict(budget)
    elif isinstance(budget, int) or budget.strip().isdecimal():
        named = {"trials": int(budget)}
    else:
        named = {"time": budget.strip()}
        try:
            Budget.model_validate(named)
        except ValidationError as error:
            words = "a time with its unit, such as 90s, 4min or 1h, or a number of trials, such as 12"
            raise UsageError(f"budget {budget!r}: write {words}") from error
    return [f"budget.{limit}={json.dumps(value)}" for limit, value in named.items()]


def table_budget(model: str | None, overrides: Sequence[str] = ()) -> str:
    """The budget for the scenario file, as YAML between braces.

    Args:
        model: The language model's name; None for the offline expert.
        overrides: Settings as `path=value`. As soon as they name a limit (`budget.time=1h`), the defaults of time and
            trials are gone, so that none of them ends the run first; the default in USD stays until USD are named.
    """
    budget: dict[str, Any] = dict(_defaults(model))
    if named := _named(overrides):
        budget = {unit: limit for unit, limit in budget.items() if unit == "usd"} | named
    return ", ".join(
        f"{unit}: {limit if isinstance(limit, str) else json.dumps(limit)}" for unit, limit in budget.items()
    )


def _defaults(model: str | None) -> dict[str, Any]:
    """One hour and 5 USD for a model with a known price, trials instead of USD otherwise."""
    if model is None:
        return _OFFLINE
    return _PRICED if tariff_of(as_backend(find_model(model))).known else _UNPRICED


def _named(overrides: Sequence[str]) -> dict[str, Any]:
    """The valid limits that overrides name one by one. The others are reported where the scenario is loaded."""
    named: dict[str, Any] = {}
    for override in overrides:
        path, _, written = override.partition("=")
        unit = path.strip().removeprefix("budget.")
        if unit == path.strip() or unit not in Budget.model_fields or unit == "finish":
            continue
        try:
            value = parse_value(written)
            Budget.model_validate({unit: value})
        except (ValueError, ValidationError):
            continue
        named[unit] = value
    return named
