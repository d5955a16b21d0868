"""Command line of the pools: `python -m benchmarks.pools [--check | --folds N | --write] TASK… [MEMBER…]`.

 - without option: make the submissions of the tasks' pools, grade them, print the leaderboard and its thresholds;
 - `--write`: also write the leaderboard to the task's leaderboard.csv;
 - `--check`: run every submission through the submission check, for all tasks if none is given; status 1 on an alarm;
 - `--folds N`: score on the first N folds of the training rows, for tuning. No test row is used.

Submissions are cached by a digest of data and code, so that only those that changed are made again.
"""

import argparse
import sys
import time
from collections.abc import Mapping

import numpy as np

from benchmarks.pools.board import defects_of, fold_scores, score_pool
from benchmarks.pools.pool import Solution, kept_at, pool_of
from gome.scenarios.grading.grade import is_crowded, thresholds
from gome.scenarios.prepare.preparing import TASKS, cache_folder
from gome.scenarios.prepare.recipes import RECIPES
from gome.scenarios.task.tables import write_table
from gome.scenarios.task.task import Task


def main() -> int:
    """Run the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pools", description="Score, check or tune pools.")
    parser.add_argument("names", nargs="*", metavar="TASK|MEMBER", help="tasks and members (default: all)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="run every submission through the submission check")
    how.add_argument("--write", action="store_true", help="write the leaderboard to the task's leaderboard.csv")
    how.add_argument("--folds", type=int, metavar="N", help="score members on N folds of the training rows instead")
    given = parser.parse_args()
    tasks = [name for name in given.names if name in RECIPES] or list(RECIPES)
    members = [name for name in given.names if name not in RECIPES]
    alarms = 0
    for name in tasks:
        task, pool = Task.load(TASKS / name), pool_of(name)
        unknown = set(members) - set(pool)
        if unknown:
            parser.error(f"neither a task nor a member of {name}: {', '.join(sorted(unknown))}")
        chosen = {member: pool[member] for member in members} or pool
        if given.check:
            alarms += _check(task, chosen)
        elif given.folds is not None:
            _folds(task, chosen, given.folds)
        else:
            _score(task, chosen, write=given.write and not members)
    if given.check:
        print(f"{alarms} false alarms")
    return 1 if alarms else 0


def _check(task: Task, pool: Mapping[str, Solution]) -> int:
    found = defects_of(task, pool, kept_at(task, cache_folder()))
    for name, defects in found.items():
        for defect in defects:
            print(f"{task.brief.name} {name}: {defect.message}")
    print(f"{task.brief.name:<18} {len(found)} submissions, {sum(map(bool, found.values()))} with an alarm", flush=True)
    return sum(map(bool, found.values()))


def _score(task: Task, pool: Mapping[str, Solution], *, write: bool) -> None:
    begun = time.monotonic()
    board = score_pool(task, pool, kept_at(task, cache_folder()))
    print(f"{task.brief.name}, {time.monotonic() - begun:.0f} s\n{board.to_string()}")
    scores, direction = board["score"].tolist(), task.brief.direction
    print(thresholds(scores, direction), flush=True)
    if is_crowded(scores, board["error"].tolist(), direction):
        print("warning: gold and bronze differ by less than one standard error; medals are mostly noise on this task")
    if write:
        write_table(task.folder / "leaderboard.csv", board.astype(str))


def _folds(task: Task, pool: Mapping[str, Solution], folds: int) -> None:
    print(f"{task.brief.name}: {task.brief.metric}, {task.brief.direction}")
    begun = time.monotonic()
    for name, scores in fold_scores(task, pool, folds):
        seconds, begun = time.monotonic() - begun, time.monotonic()
        print(f"{name:<28} {np.mean(scores):.5f}  {' '.join(f'{score:.5f}' for score in scores)}  {seconds:.0f} s")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
