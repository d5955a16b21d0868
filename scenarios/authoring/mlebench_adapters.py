"""The meaning of the files of MLE-bench's competitions: one adapter per competition.

The splits resemble those of the competitions' tests: random rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gome import plugins

__all__ = ["ADAPTERS", "Adapter", "adapter_of"]

Rule = Mapping[str, str | int]


@dataclass(frozen=True)
class Adapter:
    """The id, targets, metric and split of a competition; `one_hot`: its answers have one column per class.

    A row of the answers with the value `unscored` in a target does not count. `sample` is the file name of the sample
    submission if it is not the usual one. `unverified` describes what was guessed.
    """

    id: str
    targets: tuple[str, ...]
    metric: str
    split: Rule
    one_hot: bool = False
    classes: tuple[str, ...] = ()
    unscored: str | None = None
    sample: str | None = None
    unverified: tuple[str, ...] = field(default=())

    @property
    def manifest(self) -> dict[str, object]:
        """The contents of `task.yaml`, without the name."""
        lists = {"targets": self.targets, "classes": self.classes, "unverified": self.unverified}
        given = {name: list(values) for name, values in lists.items() if values}
        files = {"files": {"sample_submission": self.sample}} if self.sample else {}
        return {"id": self.id, "metric": self.metric, "split": dict(self.split), **given, **files}


_RANDOM: Rule = {"kind": "random", "folds": 5}
_STRATIFIED: Rule = {"kind": "stratified", "folds": 5}

ADAPTERS: dict[str, Adapter] = {
    "aptos2019-blindness-detection": Adapter("id_code", ("diagnosis",), "qwk", _STRATIFIED),
    "jigsaw-toxic-comment-classification-challenge": Adapter(
        "id",
        ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"),
        "columnwise-auc",
        _RANDOM,
        classes=("0", "1"),
        unscored="-1",
    ),
    "leaf-classification": Adapter("id", ("species",), "log-loss", _STRATIFIED, one_hot=True),
    "nomad2018-predict-transparent-conductors": Adapter(
        "id", ("formation_energy_ev_natom", "bandgap_energy_ev"), "rmsle", _RANDOM
    ),
    "plant-pathology-2020-fgvc7": Adapter(
        "image_id", ("healthy", "multiple_diseases", "rust", "scab"), "columnwise-auc", _RANDOM, classes=("0", "1")
    ),
    "spaceship-titanic": Adapter("PassengerId", ("Transported",), "accuracy", _STRATIFIED, classes=("False", "True")),
    "spooky-author-identification": Adapter(
        "id", ("author",), "log-loss", _STRATIFIED, one_hot=True, classes=("EAP", "HPL", "MWS")
    ),
    "tabular-playground-series-dec-2021": Adapter("Id", ("Cover_Type",), "accuracy", _RANDOM),
    "tabular-playground-series-may-2022": Adapter("id", ("target",), "auc", _STRATIFIED),
}
"""The adapters by competition."""


def adapter_of(competition: str) -> Adapter | None:
    """The adapter of a competition, built in or of an installed package (`gome.adapters`); None if there is none."""
    if competition in ADAPTERS:
        return ADAPTERS[competition]
    if competition in plugins.names("gome.adapters"):
        adapter: Adapter = plugins.load("gome.adapters", competition)
        return adapter
    return None
