"""Read the files of packages as tables: pickled data frames, Orange's tab files, series as `.ts` files."""

import io
from typing import Literal

import pandas as pd
from pandas import DataFrame

from gome.scenarios.prepare.unpickle import table_of

__all__ = ["Format", "read_content"]

Format = Literal["pickle", "orange", "series"]


def read_content(content: bytes, form: Format) -> DataFrame:
    """The file as a table. Raises TaskError where a pickle has anything but a table."""
    if form == "pickle":
        return pd.read_csv(io.BytesIO(table_of(content)), low_memory=False)
    if form == "orange":  # three lines of header: names, types, roles
        return pd.read_csv(io.BytesIO(content), sep="\t", skiprows=[1, 2])
    lines = content.decode("utf-8").split("@data", 1)[1].split()
    rows = [line.replace(":", ",").split(",") for line in lines]
    names = [f"t{place:03}" for place in range(1, len(rows[0]))]
    table = DataFrame(rows, columns=[*names, "class"])
    return table.assign(**{name: table[name].astype(float) for name in names}, **{"class": "c" + table["class"]})
