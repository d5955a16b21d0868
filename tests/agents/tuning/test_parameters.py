"""Constants that scripts declare: read as literals, hostile ones answered with words, values written back."""

import ast

import pytest

from gome.agents.tuning.parameters import Declaration, declared, with_values

SCRIPT = '''"""Größe → Preis."""
import os

PARAMS: dict = {
    "rate": (0.1, 0.01, 0.3, "log"), "leaves": (31, 4, 255),  # „Blätter“
    "loss": ("squared_error", ["squared_error", "poisson"]),
    "shift": (-1, -3.5, 2),
    "seed": 7,
}
print(PARAMS["rate"][0])
'''


def test_values_ranges_and_scales_are_read_and_bare_constants_left() -> None:
    found = declared(SCRIPT)
    assert not found.faults
    assert [(each.name, each.value, each.scale, each.log) for each in found.parameters] == [
        ("rate", 0.1, "real", True),
        ("leaves", 31, "integer", False),
        ("loss", "squared_error", "choice", False),
        ("shift", -1.0, "real", False),
    ]
    assert (found.parameters[3].low, found.parameters[3].high) == (-3.5, 2.0)


def test_only_the_values_are_rewritten() -> None:
    tuned = with_values(SCRIPT, {"rate": 0.05, "leaves": 64, "loss": "poisson", "shift": 1.5, "unknown": 3})
    expected = SCRIPT.replace("(0.1,", "(0.05,").replace("(31,", "(64,").replace('("squared_error",', "('poisson',")
    assert tuned == expected.replace("(-1,", "(1.5,")
    assert [each.value for each in declared(tuned).parameters] == [0.05, 64, "poisson", 1.5]
    assert with_values(tuned, {"rate": 0.1, "leaves": 31, "shift": -1}).count("(-1,") == 1
    ast.parse(tuned)


def test_a_value_over_several_lines_becomes_one() -> None:
    script = 'PARAMS = {"a": (-\n  1, -5, 5), "b": (2, 1, 3)}\nx = 1\n'
    assert with_values(script, {"a": 4, "b": 1}) == 'PARAMS = {"a": (4, -5, 5), "b": (1, 1, 3)}\nx = 1\n'


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('"a": (5, 1, 4)', "its value 5 is outside 1 to 4"),
        ('"a": (5, 9, 1)', "its lowest value 9 is not below its highest 1"),
        ('"a": (1e999, 0, 1)', "numbers lie between"),
        ('"a": (0.5, 0, 1e999)', "numbers lie between"),
        (r'"a": ("\ud800", ["\ud800", "b"])', "half a character"),
        ('"a": (1, -1, 2, "log")', "begins above 0"),
        ('"a": (1, 0, 2, "cube")', "write (value, lowest, highest)"),
        ('"a": (1,)', "write (value, lowest, highest)"),
        ('"a": (True, 0, 2)', "values are numbers or texts"),
        ('"a": (float("nan"), 0, 2)', "values are numbers or texts"),
        ('"a": (__import__("os").system("true"), 0, 2)', "values are numbers or texts"),
        ('"a": ((1, 2), [(1, 2), 3])', "values are numbers or texts"),
        ('"a": ("x", 1, 2)', "texts are given as (value, [choices])"),
        ('"a": ("x", ["y", "z"])', "not among its choices"),
        ('"a": ("x", ["x"])', "2 to 16 different choices"),
        ('"a": ("x", ["x", "x"])', "2 to 16 different choices"),
        (f'"a": ("x", [{", ".join(map(repr, "xyzabcdefghijklmnop"))}])', "2 to 16 different choices"),
        (f'"a": ("{"x" * 61}", ["x", "y"])', "at most 60 characters"),
        ('"a b": (1, 0, 2)', "plain word in quotes"),
        ("3: (1, 0, 2)", "plain word in quotes"),
        ("**{}, None: (1, 0, 2)", "plain word in quotes"),
        ('"a": (1, 0, 2), "a": (1, 0, 2)', "declared twice"),
    ],
)
def test_what_cannot_be_tuned_is_named_with_its_line(entry: str, words: str) -> None:
    found = declared(f"\nPARAMS = {{{entry}}}\n")
    assert len(found.faults) == 1
    assert found.faults[0].startswith("line 2: ")
    assert words in found.faults[0]


@pytest.mark.parametrize("number", [f"1{'0' * 400}", f"-0x{'f' * 6000}"], ids=["decimal", "hexadecimal"])
def test_a_whole_number_beyond_any_float_is_named(number: str) -> None:
    (fault,) = declared(f'PARAMS = {{"a": ({number}, 0, 1)}}').faults
    assert "numbers lie between" in fault


def test_hostile_declarations_are_no_declarations() -> None:
    many = ", ".join(f'"p{n}": (1, 0, 2)' for n in range(17))
    assert "at most 16 can be searched" in declared(f"PARAMS = {{{many}}}").faults[0]
    assert "assigned twice" in declared('PARAMS = {"a": (1, 0, 2)}\nPARAMS = {}').faults[0]
    deep = "(" * 500 + "1" + ")" * 500
    for script in (
        f'PARAMS = {{"a": {deep}}}',
        "PARAMS = " + "[" * 150 + "]" * 150,
        f'PARAMS = {{"a": (1{"0" * 5000}, 0, 2)}}',
        "PARAMS = dict(a=(1, 0, 2))",
        'PARAMS = {"a": 3, "b": "text"}',
        'def f():\n    PARAMS = {"a": (1, 0, 2)}',
        'import os\rPARAMS = {"a": (1, 0, 2)}\r',  # Python counts lines that `with_values` does not
        "PARAMS: dict\n",
        "def (",
        "\0",
        "",
    ):
        assert declared(script) == Declaration()
        assert with_values(script, {"a": 2}) == script
