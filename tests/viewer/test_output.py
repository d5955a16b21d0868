"""The outline in which screens and pages show the fields of a message."""

from gome.viewer.output import tree


def test_numbers_of_a_list_stand_on_one_line_and_all_else_on_lines_of_its_own() -> None:
    value = {"splits": [0, 2], "rows": [[10, 40], [12, 38]], "names": ["a", "b"], "marks": [True, False], "none": []}
    assert tree(value).splitlines() == [
        "splits: 0, 2", "rows:", "  - 10, 40", "  - 12, 38", "names:", "  - a", "  - b",
        "marks:", "  - yes", "  - no", "none: none",
    ]  # fmt: skip
