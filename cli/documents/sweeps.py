"""The document of a sweep."""

from gome.cli.documents.base import Data

__all__ = ["Mean", "Sweep", "SweptRun", "SweptSetting"]


class SweptRun(Data):
    """A run of a sweep. `score`: of its best step; `test_score`: of its submission; `seconds`: live time."""

    run: str
    setting: dict[str, str]
    state: str
    metric: str | None
    direction: str | None
    score: float | None
    test_score: float | None
    submission_of: list[str]
    medal: str | None
    trials: int
    seconds: float
    usd: float | None


class Mean(Data):
    """A mean over seeds and its standard error, which is null for a single run."""

    value: float
    error: float | None


class SweptSetting(Data):
    """Means over the finished runs of one setting; `medals` counts medals by colour."""

    setting: dict[str, str]
    runs: int
    finished: int
    score: Mean | None
    test_score: Mean | None
    medals: dict[str, int]
    trials: Mean | None
    seconds: Mean | None
    usd: Mean | None


class Sweep(Data):
    """A sweep: its folder, its figure, its runs, its settings."""

    folder: str
    figure: str
    runs: list[SweptRun]
    settings: list[SweptSetting]
