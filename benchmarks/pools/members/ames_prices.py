"""The pool of ames-prices; `python -m benchmarks.pools ames-prices` scores it again. Frozen."""

import numpy as np
from pandas import DataFrame

from benchmarks.pools.values import Values, common_values, featured_values

__all__ = ["POOL"]

_GRADES = {"Ex": 5, "Gd": 4, "TA": 3, "Fa": 2, "Po": 1}


def _featured(rows: DataFrame) -> DataFrame:
    """Total areas and baths, ages instead of years, qualities as numbers, logarithms of sizes."""
    made = rows.copy()
    made["all_area"] = made["area"] + made["Total.Bsmt.SF"].fillna(0)
    made["baths"] = made["Full.Bath"] + made["Bsmt.Full.Bath"].fillna(0) + 0.5 * made["Half.Bath"]
    made["age"] = made["Yr.Sold"] - made["Year.Built"]
    made["since_remodelling"] = made["Yr.Sold"] - made["Year.Remod.Add"]
    made["quality_area"] = made["Overall.Qual"] * np.log(made["all_area"])
    for name in ("Exter.Qual", "Exter.Cond", "Bsmt.Qual", "Heating.QC", "Kitchen.Qual", "Fireplace.Qu", "Garage.Qual"):
        made[name] = made[name].map(_GRADES).fillna(0)
    for name in ("area", "all_area", "Lot.Area", "X1st.Flr.SF"):
        made[f"log_{name}"] = np.log1p(made[name])
    made["MS.SubClass"] = made["MS.SubClass"].astype(str)
    return made


_TASK = Values("price", np.log1p, np.expm1)

POOL = common_values(_TASK) | featured_values(_TASK, _featured)
