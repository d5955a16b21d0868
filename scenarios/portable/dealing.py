"""The tables that a script is given: labelled rows, and rows to predict in random order under reassigned ids."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series

__all__ = ["VIEW", "Dealt", "Places", "deal", "deal_places", "lay_out", "sample_of"]

VIEW = 3
"""The purpose in the seed; `splits` uses 1 and 2, `scoring` 4."""


class Dealt(NamedTuple):
    """`order` permutes withheld rows followed by test rows into file order; the ids are those of the two files."""

    order: NDArray[Any]
    train_ids: Series
    ids: Series


class Places(NamedTuple):
    """As `Dealt`; instead of each id its position among all ids: those of the training rows, then of the others."""

    order: NDArray[Any]
    train: NDArray[Any]
    others: NDArray[Any]


def deal_places(name: str, seed: int, digest: str, train: int, others: int, *, reassigned: bool) -> Places:
    """Shuffle the rows of the view `name`, which has so many training rows and so many others.

    The seed includes the view's name and number of rows, so that no two views share an order, and the digest of the
    task's files, which no script has completely: knowing the seed and this code is not enough to undo the shuffle.
    With `reassigned`, ids are shuffled among all rows, since they carry no information.
    """
    draw = np.random.default_rng([seed, VIEW, *name.encode(), train, int(digest[:16], 16)])
    ids = draw.permutation(train + others) if reassigned else np.arange(train + others)
    order = draw.permutation(others)
    return Places(order, ids[:train], ids[train:][order])


def deal(
    name: str, seed: int, digest: str, train: NDArray[Any], others: NDArray[Any], *, reassigned: bool, renamed: bool
) -> Dealt:
    """Shuffle the rows of the view `name` (`deal_places`), with their ids as texts.

    Args:
        train: ids of the training rows; `others`: ids of the withheld rows, then of the test rows.
        reassigned: ids are shuffled among all rows.
        renamed: they are replaced by numbers first, since some occur twice.
    """
    ids = np.concatenate([train, others])
    if reassigned and renamed:
        ids = np.array([str(number) for number in range(len(ids))], dtype=object)
    places = deal_places(name, seed, digest, len(train), len(others), reassigned=reassigned)
    return Dealt(places.order, Series(ids[places.train]), Series(ids[places.others]))


def lay_out(
    train: DataFrame, others: DataFrame, dealt: Dealt, id_column: str, sample: Mapping[str, str | None]
) -> tuple[DataFrame, DataFrame, DataFrame]:
    """The training rows, the rows to predict, and the sample submission, as written to the view's files.

    `others` are the withheld rows, then the test rows; `sample` maps the columns of a submission to a value, None for
    the ids.
    """
    train, test = train.reset_index(drop=True), others.iloc[dealt.order].reset_index(drop=True)
    train[id_column], test[id_column] = dealt.train_ids.to_numpy(), dealt.ids.to_numpy()
    return train, test, sample_of(dealt.ids, sample)


def sample_of(ids: Series, sample: Mapping[str, str | None]) -> DataFrame:
    """The sample submission for these ids. `sample` maps its columns to a value, None for the ids."""
    filled = {name: ids.to_numpy() if value is None else value for name, value in sample.items()}
    return DataFrame(filled, columns=list(sample))
