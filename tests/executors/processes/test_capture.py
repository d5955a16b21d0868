"""Output of any size and shape is kept in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from gome.executors.processes.capture import LINE, HeadTail, Lines


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1)), st.data())
def test_lines_do_not_depend_on_how_the_stream_is_cut(lines: list[str], data: st.DataObject) -> None:
    stream = "".join(f"{line}\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    splitter = Lines()
    found: list[str] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.feed(stream[start:end])
    assert found + splitter.close() == lines


def test_a_progress_bar_is_many_lines_and_empty_ones_are_left_out() -> None:
    assert Lines().feed(b"10%\r20%\r\n\n\nend\n") == ["10%", "20%", "end"]


def test_the_last_line_needs_no_end() -> None:
    lines = Lines()
    assert lines.feed(b"a\nb") == ["a"]
    assert lines.close() == ["b"]
    assert lines.close() == []


def test_a_long_line_is_cut_whether_it_comes_whole_or_in_pieces() -> None:
    whole, pieces = Lines(), Lines()
    long = b"x" * (3 * LINE)
    [at_once] = whole.feed(b"a\n" + long + b"\n")[1:]
    assert pieces.feed(long[:LINE]) + pieces.feed(long[LINE:]) == []
    assert pieces.feed(b"\n") == [at_once]
    assert at_once == "x" * LINE + f" … [{2 * LINE} characters of this line cut]"


@given(st.lists(st.lists(st.text("ab", max_size=30), max_size=10), max_size=30))
def test_head_and_tail_stay_within_their_size_and_miss_nothing_small(chunks: list[list[str]]) -> None:
    kept = HeadTail(head=50, tail=100)
    for chunk in chunks:
        kept.add(chunk)
    lines = [line for chunk in chunks for line in chunk]
    text = "".join(f"{line}\n" for line in lines)
    assert len(kept.text()) <= 50 + 30 + 100 + 60
    if len(text) <= 100:
        assert kept.text() == text
    if lines:
        assert kept.text().endswith(f"{lines[-1]}\n")
        assert kept.text().startswith(f"{lines[0]}\n")
