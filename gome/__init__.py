"""gome: machine-learning engineering as gradient descent, by teams of agents over one durable log.

The public names are those in `__all__`, and every exception in `gome.errors`. Everything below `gome` with a folder of
its own is the inside, which may change. A name is imported when it is used, so that `import gome` costs nothing.

    run = gome.improve("train.csv", target="price", budget="10min")
    run.leaderboard()
    run.predict(new_rows)
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gome.errors import GomeError

if TYPE_CHECKING:
    from gome.api.estimators import GomeClassifier, GomeRegressor
    from gome.api.finished import Best, Run
    from gome.api.finished import open_run as open  # noqa: A004 - gome.open, as in PIL.Image.open
    from gome.api.improving import improve, improve_async

__all__ = ["Best", "GomeClassifier", "GomeError", "GomeRegressor", "Run", "improve", "improve_async", "open"]

_HOMES = {
    "__version__": "gome.version:VERSION",
    "Best": "gome.api.finished:Best",
    "GomeClassifier": "gome.api.estimators:GomeClassifier",
    "GomeRegressor": "gome.api.estimators:GomeRegressor",
    "Run": "gome.api.finished:Run",
    "improve": "gome.api.improving:improve",
    "improve_async": "gome.api.improving:improve_async",
    "open": "gome.api.finished:open_run",
}
"""Where each public name is defined."""

logging.getLogger(__name__).addHandler(logging.NullHandler())  # quiet, unless the application asks for a log


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gome' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    found = globals()[name] = getattr(import_module(module), attribute)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
