"""An adapter: what the files of an MLE-bench competition mean. A scenario names it `task: mlebench:a-competition`."""

from gome.scenarios.authoring.mlebench_adapters import Adapter

A_COMPETITION = Adapter("id", ("price",), "rmse", {"kind": "random", "folds": 3})
