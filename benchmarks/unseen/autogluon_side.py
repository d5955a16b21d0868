"""AutoGluon's side of `benchmarks.unseen.automl`: fits one task's training rows and writes a submission for its test.

It is run by its path in AutoGluon's own environment, so it imports nothing of ours, and is told all it needs as one
argument of JSON. The rows are given to AutoGluon as pandas reads them; validation and all else are its own.
"""

import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from pandas import DataFrame


def fit_and_predict(asked: dict[str, Any]) -> None:
    """Write the submission, then what is told of it: versions, seconds, and AutoGluon's own view of its models."""
    from autogluon.tabular import TabularPredictor

    key, target, classes, columns = (asked[name] for name in ("id", "target", "classes", "columns"))
    # Ids and names of classes stay texts: pandas would read "01" as a number, and "None" as a gap.
    texts: dict[Any, Any] = dict.fromkeys((key, target) if classes else (key,), str.strip)
    train, test = (pd.read_csv(asked[name], converters=texts, low_memory=False) for name in ("train", "test"))
    if strange := set(train[target]) - set(classes) if classes else set():
        raise ValueError(f"{asked['train']}: {sorted(strange)} are no classes of the task")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="automl-") as place:
        predictor = TabularPredictor(
            label=target, problem_type=asked["problem_type"], eval_metric=asked["eval_metric"], path=place
        )
        predictor.fit(
            train.drop(columns=[key]), presets=asked["preset"], time_limit=asked["seconds"], num_cpus=asked["cores"],
            num_gpus=0,
        )  # fmt: skip
        features = test.drop(columns=[key])
        if classes:
            # A class too rare to be learned has no column.
            predicted = predictor.predict_proba(features).reindex(columns=classes, fill_value=0.0).to_numpy()
            predicted = predicted[:, 1:] if len(classes) == 2 else predicted
        else:
            predicted = predictor.predict(features).to_numpy().reshape(-1, 1)
        taken, best, board = time.monotonic() - begun, predictor.model_best, predictor.leaderboard(silent=True)
    table = DataFrame(predicted, columns=columns)
    table.insert(0, key, test[key])
    out = Path(asked["out"])
    table.to_csv(out / "submission.csv", index=False)
    told = {
        "version": version("autogluon.tabular"),
        "limit": asked["seconds"],
        "taken": taken,
        "processor": sum(os.times()[:4]),
        "models": len(board),
        "best": best,
        "validation": float(board.set_index("model").loc[best, "score_val"]),
    }
    (out / "told.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    fit_and_predict(json.loads(sys.argv[1]))
