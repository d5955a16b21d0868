"""The mean of submissions as the finish of a run takes it: how the README beside a blend says to get it again.

python -m viewer.average TASK SUBMISSION SUBMISSION … > submission.csv
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from errors import GomeError, UsageError
from scenarios.harness import Harness
from scenarios.tasks import Task

__all__ = ["average", "main"]


def average(task: Path, submissions: Sequence[Path]) -> str:
    """The mean of submissions to the task in that folder, as the text of one.

    Raises TaskError for the task, and UsageError where one of the submissions is not as asked.
    """
    harness = Harness(Task.load(task), Path(), seed=0)  # it writes nothing here, and the test's rows are no draw
    try:
        return harness.blend("full", submissions)
    except ValueError as error:
        raise UsageError(f"{', '.join(map(str, submissions))}: {error}") from error


def main(arguments: Sequence[str]) -> int:
    """Print the mean; the exit status."""
    task, *submissions = map(Path, arguments)
    try:
        sys.stdout.write(average(task, submissions))
    except GomeError as error:
        print(f"error[{error.code}]: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
