"""Numbers as text."""

import pytest

from gome.scenarios.figures import plain


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(447.3, 2, "447"), (123456.7, 5, "123457"), (-1234.5, 2, "-1234"), (12.34, 2, "12"), (0.012345, 3, "0.0123")],
)
def test_a_large_number_has_no_exponent(value: float, digits: int, shown: str) -> None:
    assert plain(value, digits) == shown


def test_a_sign_is_written_where_it_is_asked_for() -> None:
    assert (plain(4567.8, 2, signed=True), plain(0.5, 2, signed=True)) == ("+4568", "+0.5")


def test_what_no_reader_would_count_keeps_its_exponent() -> None:
    assert plain(1.5e20, 2) == "1.5e+20"
