"""Recorded activity: Optuna suggests settings of a script's constants, from what was tried. Request, result, the call.

The suggestions are part of the log. So a resumed or replayed run has the same ones, whatever version of Optuna is
installed, and a replay needs none.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gome.agents.protocol.types import Record
from gome.agents.tuning.parameters import Parameter, Value
from gome.bus.actors.actor import ActivityResult

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Setting", "Suggested", "Suggesting", "Tried", "suggest"]

Setting = tuple[Value, ...]
"""One value per parameter, in their order."""
_RANDOM = 4
"""Number of settings before which suggestions are random."""
_DIGITS = 4


class Tried(Record):
    """A setting and its gain over the script as it stood; None where it failed."""

    setting: Setting
    gain: float | None


class Suggesting(Record):
    """Request: `count` more settings of the parameters, after those that were tried."""

    parameters: tuple[Parameter, ...]
    tried: tuple[Tried, ...]
    count: int
    seed: int


class Suggested(ActivityResult):
    """Result: new settings; fewer than were asked for where little is left to try."""

    settings: tuple[Setting, ...]


def suggest(request: Suggesting) -> Suggested:
    """Suggest by TPE (Bergstra et al., 2011): a function of the request and the installed Optuna."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(
        seed=request.seed, n_startup_trials=_RANDOM, multivariate=True, constant_liar=True
    )
    study = optuna.create_study(sampler=sampler, direction="maximize")
    names = [each.name for each in request.parameters]
    distributions = {each.name: _distribution(each) for each in request.parameters}
    for each in request.tried:
        state = optuna.trial.TrialState.FAIL if each.gain is None else optuna.trial.TrialState.COMPLETE
        study.add_trial(
            optuna.trial.create_trial(
                state=state,
                value=each.gain,
                params=dict(zip(names, each.setting, strict=True)),
                distributions=distributions,
            )
        )
    asked = [study.ask(distributions).params for _ in range(request.count)]
    settings = [tuple(_plain(each, params[each.name]) for each in request.parameters) for params in asked]
    return Suggested(settings=_new(settings, [each.setting for each in request.tried]))


def _distribution(parameter: Parameter) -> "BaseDistribution":
    import optuna

    if parameter.scale == "choice":
        return optuna.distributions.CategoricalDistribution(parameter.choices)
    if parameter.scale == "integer":
        return optuna.distributions.IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return optuna.distributions.FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _plain(parameter: Parameter, value: Value) -> Value:
    """The value with a few digits, within its range."""
    if parameter.scale != "real":
        return value
    return min(parameter.high, max(parameter.low, float(f"{value:.{_DIGITS}g}")))


def _new(settings: Sequence[Setting], known: Sequence[Setting]) -> tuple[Setting, ...]:
    return tuple(each for each in dict.fromkeys(settings) if each not in known)
