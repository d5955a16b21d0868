"""Broken scenarios as a user meets them: every problem on a line with its place, status 2, never a traceback."""

from pathlib import Path

import pytest

from gome.cli.app import main
from tests.cli.printed import data_of
from tests.scenarios.config.test_loader import BROKEN, GOOD, Expected

MORE: list[tuple[str, str, list[Expected]]] = [
    (
        "an optimizer with a slip, a budget with a slip",
        GOOD.replace("trials: 12", "trails: 12") + "optimizer: tree-serch\n",
        [
            (3, 22, "unknown-key", "budget.trails", "trials"),
            (9, 1, "unknown-value", "optimizer", "tree-search"),
        ],
    ),
    (
        "terminal escapes and markup where words belong",
        GOOD + '"\\e[2J\\e]0;gone\\a<script>": 1\n',
        [(9, 1, "unknown-key", "\x1b[2J\x1b]0;gone\x07<script>", None)],
    ),
]
EVERY = [*BROKEN, *MORE]


def test_there_are_enough_of_them() -> None:
    assert len(EVERY) >= 25


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in EVERY], ids=[case[0] for case in EVERY])
def test_a_broken_scenario_is_told_whole(
    text: str, expected: list[Expected], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    for verb in ("validate", "run"):
        with pytest.raises(SystemExit) as ended:
            main([verb, str(path)])
        printed = capsys.readouterr()
        assert ended.value.code == 2
        assert printed.out == ""
        told = [line for line in printed.err.splitlines() if line.startswith(f"{path}:")]
        assert len(told) == len(expected)
        for line, (row, column, code, _, suggestion) in zip(told, expected, strict=True):
            assert line.startswith(f"{path}:{row}:{column}: error[{code}]")
            assert suggestion is None or f"did you mean {suggestion}?" in line
        assert "Traceback" not in printed.err
        assert not set(printed.err) & set("\x1b\x07")
    assert [each.name for each in tmp_path.iterdir()] == ["mine.yaml"]
    with pytest.raises(SystemExit):
        main(["validate", str(path), "--json"])
    data = data_of(capsys.readouterr().out, "validate")
    found = [
        (each["line"], each["column"], each["code"], each["path"], each["suggestion"]) for each in data["problems"]
    ]
    assert (data["valid"], found) == (False, expected)
