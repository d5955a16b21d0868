"""The leaderboard of a run whose trials were run on unlike splits."""

from pathlib import Path
from typing import Any

import gome
from gome.agents.protocol.messages import Diagnosis, Trial
from gome.agents.protocol.types import Effect
from tests.cli.reading.test_memory import change
from tests.viewer.sample import RUN, evaluation, sample_run


def test_a_score_of_some_splits_stands_where_its_gain_puts_it(tmp_path: Path) -> None:
    sample = sample_run(finish=False)
    easy = {"splits": (0, 1), "folds": (0.2, 0.2), "weights": (0.5, 0.5), "fold_rows": ((20, 80),) * 2}
    part = evaluation(0.2).model_copy(update={**easy, "score": 0.2, "replicates": ((),) * 2})
    lost = Effect(gain=-0.015, standard_error=0.004, verdict="worse", splits=2, rows=40)
    shown: dict[str, Any] = {"evaluation": part}
    change(sample, Trial, (0, 3), **shown)
    change(sample, Diagnosis, (0, 3), **shown, score=0.2, effect=lost)
    sample.write(tmp_path / RUN)
    table = gome.open(tmp_path / RUN).leaderboard()
    assert table["step"].tolist()[:4] == ["1.2", "0.2", "0.3", "0.1"], "0.2 on two easy splits is 0.445 on all"
    assert table["splits"].tolist()[:3] == ["5/5", "5/5", "2/5"]
