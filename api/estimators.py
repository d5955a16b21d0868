"""scikit-learn's manners: `GomeRegressor` and `GomeClassifier`.

`fit` is a whole run of gome, and `predict` trains the solution again: a solution is a program that fits and predicts.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from gome.api.finished import Run, open_run
from gome.api.improving import Budget, Progress, improve
from gome.errors import UsageError
from gome.scenarios.portable.ids import canonical

__all__ = ["GomeClassifier", "GomeRegressor"]

Array = NDArray[Any]
_TARGET = "target"
_FEWEST_ROWS = 20
_ASKED_ROWS = 50
"""Rows of the training table that stand in for a test set, which a run needs; nothing is measured on them."""


class _GomeEstimator(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What both estimators share. `run_` is the run, `n_features_in_` and `feature_names_in_` are scikit-learn's.

    Args:
        metric: The metric to improve.
        model: A language model, such as gpt-5. By default the rule-based expert.
        budget: A time such as `1h`, a number of trials, or several limits.
        start: Your own solution script (docs/contract.md) as the first trial; the target's column is `target`.
        settings: Further settings of the scenario.
        runs: The folder of all runs.
        progress: plain, rich or none.
        random_state: The seed of the run.
    """

    def __init__(
        self,
        metric: str | None = None,
        model: str | None = None,
        budget: Budget | None = None,
        start: Path | str | None = None,
        settings: Mapping[str, Any] | None = None,
        runs: Path | str | None = None,
        progress: Progress = "none",
        random_state: int | None = None,
    ) -> None:
        self.metric = metric
        self.model = model
        self.budget = budget
        self.start = start
        self.settings = settings
        self.runs = runs
        self.progress = progress
        self.random_state = random_state

    @property
    def run_(self) -> Run:
        """The run that `fit` made. Only its folder is part of a pickled estimator."""
        check_is_fitted(self)
        return open_run(self.folder_)

    def _improve(self, rows: DataFrame, target: Series, default: str) -> None:
        """Run gome on these rows. Raises ValueError where they are too few."""
        if len(rows) < _FEWEST_ROWS:
            found = f"Found array with {len(rows)} sample(s) (shape={rows.shape})"
            raise ValueError(f"{found} while a minimum of {_FEWEST_ROWS} is required by {type(self).__name__}.")
        seed = {} if self.random_state is None else {"seed": int(self.random_state)}
        table = rows.assign(**{_TARGET: target.to_numpy()})
        run = improve(
            *(table, _TARGET),
            test=rows.sample(min(len(rows), _ASKED_ROWS), random_state=0),
            metric=self.metric or default,
            model=self.model,
            budget=self.budget,
            start=self.start,
            settings={**seed, **(self.settings or {})},
            runs=self.runs,
            progress=self.progress,
        )
        if run.status != "finished":
            raise UsageError(f"run {run.id} was stopped before it finished; continue it with: gome resume {run.id}")
        run.best  # noqa: B018 - raises where there is no solution
        self.folder_ = str(run.folder.resolve())

    def _rows(self, x: Any, *, fitting: bool) -> DataFrame:
        """The features as a table with text for column names, checked as scikit-learn does."""
        if isinstance(x, DataFrame):
            validate_data(self, x, reset=fitting, skip_check_array=True)
            rows = x
        else:
            checked = validate_data(self, x, reset=fitting, ensure_all_finite="allow-nan")
            rows = DataFrame(checked, columns=[f"x{number}" for number in range(checked.shape[1])])
        rows = rows.set_axis([str(name) for name in rows.columns], axis="columns").reset_index(drop=True)
        if _TARGET in rows:
            raise ValueError(f"a feature is called {_TARGET!r}, the name that the target gets; rename it")
        return rows

    def _predicted(self, x: Any) -> DataFrame:
        check_is_fitted(self)
        return self.run_.predict(self._rows(x, fitting=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class GomeRegressor(RegressorMixin, _GomeEstimator):  # type: ignore[misc]
    """A regressor that is the solution of a run of gome. The default metric is rmse.

    Args: as `gome.improve`; `random_state` is the seed of the run.
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's names
        """Run gome on the rows `X` (n × features, an array or DataFrame) with the targets `y` (n).

        Raises ValueError for input that scikit-learn refuses, and as `gome.improve`.
        """
        rows = self._rows(X, fitting=True)
        target = column_or_1d(y, warn=True)
        check_consistent_length(rows, target)
        target = np.asarray(target, dtype=float)
        assert_all_finite(target, input_name="y")
        self._improve(rows, Series(target), "rmse")
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Predict one number per row of `X`."""
        return self._predicted(X).iloc[:, 0].to_numpy(dtype=float)


class GomeClassifier(ClassifierMixin, _GomeEstimator):  # type: ignore[misc]
    """A classifier that is the solution of a run of gome. The default metric is log-loss, which has probabilities.

    Args: as `gome.improve`; `random_state` is the seed of the run. `classes_` are the classes in ascending order.
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Run gome on the rows `X` (n × features, an array or DataFrame) with the classes `y` (n).

        Raises ValueError for input that scikit-learn refuses, and as `gome.improve`.
        """
        rows = self._rows(X, fitting=True)
        target = column_or_1d(y, warn=True)
        check_consistent_length(rows, target)
        assert_all_finite(target, input_name="y")  # first, as the check of targets makes NumPy warn of such a number
        check_classification_targets(target)
        self.classes_ = np.unique(target)
        if len(self.classes_) < 2:
            raise ValueError(f"y has only one class: {self.classes_[0]!r}")
        self._improve(rows, Series(target), "log-loss")
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Predict one class per row of `X`."""
        found = self._predicted(X)
        if self._labels():
            numbered = {name: number for number, name in enumerate(self._texts())}
            return np.asarray(self.classes_[canonical(found.iloc[:, 0].astype(str)).map(numbered).to_numpy(dtype=int)])
        return np.asarray(self.classes_[self._probabilities(found).argmax(axis=1)])

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """Probabilities of the classes (n × classes); with metric auc they order the rows and are no probabilities.

        Raises UsageError where the metric asks for labels.
        """
        check_is_fitted(self)
        if self._labels():
            raise UsageError(f"metric {self.metric} asks for classes; for probabilities use log-loss")
        return self._probabilities(self._predicted(X))

    def _labels(self) -> bool:
        """Whether predictions are classes, not probabilities."""
        return self.run_.task.prediction == "label"

    def _probabilities(self, found: DataFrame) -> Array:
        """Predictions in the order of `classes_`. A single column is that of the last class of the task."""
        values = found.to_numpy(dtype=float)
        if values.shape[1] == 1:
            values = np.column_stack([1 - values, values])
        return np.asarray(values[:, [self.run_.task.classes.index(name) for name in self._texts()]])

    def _texts(self) -> list[str]:
        """The classes as gome writes them."""
        return list(canonical(Series(self.classes_).astype(str)))
