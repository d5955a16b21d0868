"""Runs that are short: settings for them, and a scenario that begins, and with one trial ends, with a user's script."""

from pathlib import Path

from tests.agents.helpers.stubs import line

PRICE_BY_SIZE = line(1.0).replace('"area"', '"size"').replace('"y"', '"price"')
"""A solution of a tenth of a second, for tables with those two columns."""
SHORT = ("budget.trials=1", "traces=1", "method.folds=2", "method.finish={candidates: 1, seeds: 1, ship: mean}")
"""One trial on two folds, as it ends submitted."""
COLD = "executors.standby=false"
"""No interpreters are warmed up, which pays for more scripts than a short run has."""


def short_options(runs: Path, *more: str, start: Path | None = None) -> tuple[str, ...]:
    """Options of `gome run` for a short run in the folder `runs`, with `more` settings, from the script `start`."""
    settings = [word for each in (*SHORT, *more) for word in ("--set", each)]
    return (*settings, *(("--start", str(start)) if start else ()), "--runs", str(runs))


OWN_SCENARIO = """
name: own
task: task
start: mine.py
traces: 1
budget: {trials: TRIALS}
backends: {offline: {kind: expert}}
roles: {diagnoser: offline, proposer: offline, executor: offline}
executors: {slots: 2, threads: 1, timeout: {debug: 30s, full: 60s}, standby: false}
method: {finish: {candidates: 1, seeds: 1, ship: SHIP}}
"""
"""`TRIALS` and `SHIP` are to be replaced."""
