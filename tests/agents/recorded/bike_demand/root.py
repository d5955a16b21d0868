"""Gradient-boosted trees on the weather and the calendar, rush hours marked by hand."""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor


def read(data: Path) -> tuple[dict, pd.DataFrame, pd.DataFrame]:
    """Task, training rows and test rows."""
    return json.loads((data / "task.json").read_text()), pd.read_csv(data / "train.csv"), pd.read_csv(data / "test.csv")


def features(rows: pd.DataFrame, weather: list[str]) -> pd.DataFrame:
    """One numeric column a feature; weather that was not seen in training is -1."""
    made = rows[["season", "day", "holiday", "weekday", "workingday", "temp", "atemp", "hum", "windspeed"]].copy()
    made["weather"] = pd.Categorical(rows["weathersit"], categories=weather).codes
    made["hour"] = rows["hour"]
    made["rush"] = (rows["hour"].isin([7, 8, 17, 18]) & (rows["workingday"] == 1)).astype(int)
    return made


def model(seed: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        max_iter=100, learning_rate=0.1, max_leaf_nodes=31, min_samples_leaf=20, random_state=seed
    )


def fit(train: pd.DataFrame, target: str, weather: list[str], seed: int) -> HistGradientBoostingRegressor:
    return model(seed).fit(features(train, weather), train[target])


def predict(fitted: HistGradientBoostingRegressor, rows: pd.DataFrame, weather: list[str]) -> np.ndarray:
    return np.clip(fitted.predict(features(rows, weather)), 0, None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()

    task, train, test = read(options.data)
    key, target = task["id_column"], task["targets"][0]
    print(f"epoch 0/1, {len(train)} rows", flush=True)
    weather = sorted(train["weathersit"].unique())
    fitted = fit(train, target, weather, options.seed)
    predictions = pd.DataFrame({key: test[key], target: predict(fitted, test, weather)})
    predictions.to_csv(options.out / "submission.csv", index=False)


if __name__ == "__main__":
    main()
