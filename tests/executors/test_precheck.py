"""The static check reports code that cannot work, with its line, and lets other code pass."""

import sys

import pytest

from gome.executors.precheck import avoided_imports, check, why_refused

IMPORTABLE = frozenset(sys.stdlib_module_names) | {"numpy", "pandas", "sklearn"}

GOOD = '''
"""A solution. Reads /proc never; see https://example.org/etc/ for more."""
import argparse, json, os
from pathlib import Path
import numpy as np
from sklearn.linear_model import Ridge
try:
    import lightgbm
except ImportError:
    lightgbm = None

def main():
    data = Path(argparse.ArgumentParser().parse_args().data)
    frame = data / "train.csv"
    os.makedirs("out", exist_ok=True)
'''


def test_a_good_script_is_let_through() -> None:
    assert check(GOOD, IMPORTABLE) == ()


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("def broken(:", "syntax", "does not parse"),
        ("import xgboost", "import", "xgboost"),
        ("from xgboost.sklearn import XGBRegressor", "import", "xgboost"),
        ("from . import helper", "import", "relative"),
        ("import subprocess", "forbidden", "no other programs"),
        ("import requests", "forbidden", "no network"),
        ("from urllib import request", "forbidden", "no network"),
        ("import urllib.request as r", "forbidden", "no network"),
        ("import socket", "forbidden", "no network"),
        ("import os; os.system('ls')", "forbidden", "os.system"),
        ("open('/proc/1/environ')", "path", "/proc/1/environ"),
        ("x = '/etc/passwd'", "path", "--data"),
        ("pd.read_csv('../prepared/private/answers.csv')", "path", "private"),
    ],
)
def test_what_cannot_work_is_refused_on_its_line(line: str, code: str, word: str) -> None:
    [refusal] = check(f"import numpy\n\n{line}\n", IMPORTABLE)
    assert (refusal.line, refusal.code) == (3, code)
    assert word in refusal.message


def test_all_refusals_are_told_in_the_order_of_the_script() -> None:
    source = "import xgboost\nimport subprocess\nopen('/sys/x')\n"
    assert [refusal.line for refusal in check(source, IMPORTABLE)] == [1, 2, 3]


@pytest.mark.parametrize("source", ["\0", "(" * 5000, "x = " + "-" * 100_000 + "1"])
def test_sources_that_choke_a_parser_are_refused_and_do_no_harm(source: str) -> None:
    assert [refusal.code for refusal in check(source, IMPORTABLE)] == ["syntax"]


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("lightgbm", "import lightgbm as lgb"),
        ("LightGBM", "from lightgbm import LGBMRegressor"),
        ("scikit-learn", "from sklearn.linear_model import Ridge"),
        ("pytorch", "import torch.nn"),
        ("sklearn.neural_network", "from sklearn.neural_network import MLPRegressor"),
        ("sklearn.neural_network", "from sklearn import neural_network"),
        ("ridge", "from sklearn.linear_model import Lasso, Ridge as R"),
        ("lightgbm", "import importlib; importlib.import_module('lightgbm.sklearn')"),
        ("lightgbm", "try:\n    import lightgbm\nexcept ImportError:\n    lightgbm = None"),
    ],
)
def test_what_is_to_be_avoided_is_found_in_the_imports(word: str, line: str) -> None:
    found = avoided_imports(f"import numpy\n{line}\n", [word, "catboost"])
    assert list(found) == [word]
    assert found[word].line == 2 + line.startswith("try")
    assert "which the user of this run asks to avoid" in why_refused([found[word]])


@pytest.mark.parametrize("word", ["light", "network", "target encoding", "", "Ridge regression"])
def test_words_that_nothing_imports_refuse_nothing(word: str) -> None:
    source = "import lightgbm\nfrom sklearn.neural_network import MLPRegressor\nnetwork = 'import network'\n"
    assert avoided_imports(source, [word]) == {}
    assert avoided_imports("import (", ["lightgbm"]) == {}
