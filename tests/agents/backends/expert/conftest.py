"""One place of each kind for all tests of the expert: made once, never changed."""

import pytest

from tests.agents.backends.expert.place import Place, bike_place, kind_place, make_place
from tests.scenarios.helpers.make_kinds import KINDS

_KINDS = {
    "regression": ("regression", "rmse", None),
    "over-time": ("regression", "mae", "time"),
    "binary": ("binary", "auc", "group"),
    "multiclass": ("multiclass", "log-loss", None),
    "ordered": ("multiclass", "qwk", None),
    "rare": ("binary", "f1", "holdout"),
}


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    """Task kind → place, the quick start's task among them."""
    made = {}
    for name, (kind, metric, split) in _KINDS.items():
        made[name] = make_place(tmp_path_factory.mktemp(name), kind, metric, split)
    made |= {name: kind_place(tmp_path_factory.mktemp(name), name) for name in KINDS}
    return made | {"bike": bike_place(tmp_path_factory.mktemp("bike"))}
