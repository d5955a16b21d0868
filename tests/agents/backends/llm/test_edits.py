"""Code out of answers: whole files, edits that apply exactly, and words for those that do not."""

import pytest

from gome.agents.backends.llm.edits import apply_edits, read_code
from gome.agents.backends.llm.fences import PatchError

BASE = "import os\n\n\ndef f():\n    return 1\n\n\ndef g():\n    return 1\n"


def edit(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def test_a_whole_file_and_the_words_about_it() -> None:
    code, words = read_code("I did this.\n\n```python\nx = 1\n\n\ny = 2\n```\nThat is all.", None)
    assert code == "x = 1\n\n\ny = 2\n"
    assert words == "I did this. That is all."


def test_a_fence_within_a_script_needs_a_longer_fence_around_it() -> None:
    code, _ = read_code('````python\ndoc = """\n```\nfenced\n```\n"""\n````', None)
    assert code == 'doc = """\n```\nfenced\n```\n"""\n'


def test_edits_apply_in_order_each_to_the_outcome_of_those_before() -> None:
    answer = (
        "Two.\n"
        + edit("def f():\n    return 1\n", "def f():\n    return 2\n")
        + edit("    return 2\n", "    return 3\n")
    )
    code, words = read_code(answer, BASE)
    assert code == BASE.replace("return 1", "return 3", 1)
    assert words == "Two."


def test_edits_within_a_fence_are_the_same_edits() -> None:
    answer = "```\n" + edit("import os\n", "") + "```"
    assert read_code(answer, BASE) == (BASE.replace("import os\n", ""), "")


def test_line_ends_of_another_system_make_no_difference() -> None:
    answer = edit("import os\n", "import sys\n").replace("\n", "\r\n")
    assert read_code(answer, BASE.replace("\n", "\r\n"))[0] == BASE.replace("os", "sys")


SCRIPT = "import os\n\nprint(os.name)\n"


@pytest.mark.parametrize(
    "answer",
    [
        "```\nSCRIPT```",
        "```python title=solution.py\nSCRIPT```",
        "```python3.11\nSCRIPT```",
        "```{.python .numberLines}\nSCRIPT```",
        "``` Python\nSCRIPT```",
        "Here is the script: ```python\nSCRIPT```",
        "1. The script:\n\n   ```python\n   import os\n\n   print(os.name)\n   ```\nDone.",
        "```python\nSCRIPT```<|im_end|>",
        "```python\nSCRIPT``` </s>",
        "First `pip install x`.\n```bash\npip install x\n```\n```python\nSCRIPT```\n```json\n{}\n```",
        "```\n$ python solution.py\n```\nand\n```\nSCRIPT```",
        "```python\nSCRIPT```\nOnce more:\n```python\nSCRIPT```",
        "~~~py\nSCRIPT~~~",
        "SCRIPT",
        "This is the script.\n\nSCRIPT",
    ],
)
def test_the_one_script_is_found_however_it_is_fenced(answer: str) -> None:
    assert read_code(answer.replace("SCRIPT", SCRIPT), None)[0] == SCRIPT


@pytest.mark.parametrize("mark", ["\x0c", "\u2028", "\x85", "\x1c", "\x0b"])
def test_only_a_line_feed_ends_a_line(mark: str) -> None:
    base = f'import os\n\nTEXT = "a{mark}b"\n{mark}\ndone = 1\n'
    assert apply_edits(base, [("done = 1\n", "done = 2\n")]) == base.replace("done = 1", "done = 2")
    assert apply_edits(base, [('TEXT = "ab"\n', 'TEXT = "c"\n')]) == base.replace(f"a{mark}b", "c")
    assert read_code(f"```python\n{base}```", None)[0] == base


@pytest.mark.parametrize(
    ("answer", "base", "words"),
    [
        ("```\nx = 1\n```\n```\ny = 1\n```", None, "no code was found"),
        ("Import os, then print it.", None, "no code was found"),
        (edit("    return 1\n", "    return 2\n"), BASE, r"edit 1: its SEARCH lines occur 2 times"),
        (edit("def f():\n   return 1\n", ""), BASE, r"edit 1: .* not there: '   return 1'"),
        (edit("def g():\nimport os\n", ""), BASE, r"not in this order"),
        (edit("", "x = 1\n"), BASE, "empty SEARCH"),
        (edit("import os\n", "x\n") + edit("import os\n", "y\n"), BASE, "edit 2: .* do not occur"),
        ("<<<<<<< SEARCH\nimport os\n", BASE, "not complete"),
        (edit("import os\n", "") + "<<<<<<< SEARCH\nx\n", BASE, "not complete"),
        (edit("import os\n", ""), None, "there is none yet"),
        ("no code at all", None, "no code was found"),
        ("```python\nx = 1\n", None, "no code was found"),
        ("```python\nx = 1\n```\n\n```python\ny = 1\n```", None, "2 python blocks"),
        ("```python\n\n```", None, "empty"),
        ("```bash\nls\n```", None, "no code was found"),
    ],
)
def test_what_cannot_be_applied_is_said_in_words(answer: str, base: str | None, words: str) -> None:
    with pytest.raises(PatchError, match=words):
        read_code(answer, base)


def test_an_edit_takes_whole_lines_only() -> None:
    with pytest.raises(PatchError, match="do not occur"):
        apply_edits("value = 10\n", [("value = 1\n", "value = 2\n")])
