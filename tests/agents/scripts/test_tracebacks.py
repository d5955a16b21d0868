"""How a script failed, read out of what it printed."""

import pytest

from gome.agents.scripts.tracebacks import last_error

FRAMES = """Traceback (most recent call last):
  File "/gome/solution.py", line 40, in <module>
    main()
  File "/gome/solution.py", line 32, in main
    print(row["hour"])
  File "/usr/lib/python3.11/csv.py", line 7, in get
    raise KeyError(name)
"""


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        (f"{FRAMES}KeyError: 'hour'\n", "KeyError, line 32 (print(row[\"hour\"])): 'hour'"),
        (f"{FRAMES}AssertionError\n", 'AssertionError, line 32 (print(row["hour"]))'),
        (
            f"epoch 1/2\n{FRAMES}pandas.errors.ParserError: a\nb\n",
            'pandas.errors.ParserError, line 32 (print(row["hour"])): a',
        ),
        ("Traceback (most recent call last):\nMemoryError\n", "MemoryError, line ?"),
        ("a warning\n", ""),
        ("", ""),
    ],
)
def test_the_last_error_comes_with_its_line_of_the_script(printed: str, error: str) -> None:
    assert last_error(printed) == error


def test_of_two_tracebacks_the_last_one_counts() -> None:
    during = "\nDuring handling of the above exception, another exception occurred:\n\n"
    assert last_error(f"{FRAMES}KeyError: 1\n{during}{FRAMES}ValueError: 2\n").startswith("ValueError, line 32")
