"""The pictures of a solution's evidence: drawn from what was measured, and absent where nothing was."""

import pytest

from gome.scenarios.diagnostics.record import ClassPart, Confusion, Part, Probes
from gome.viewer.model.evidence import evidence_of, first_solution
from gome.viewer.model.summary import summarise
from gome.viewer.web.code import highlighted
from gome.viewer.web.error_charts import SMALL, bars, biases, confusion_matrix, learning_curve
from gome.viewer.web.report import render
from tests.viewer.sample import sample_run, with_evidence


def part(value: str, bias: float | None) -> Part:
    return Part(feature="prediction", value=value, rows=10, share_of_rows=0.2, share_of_loss=0.3, bias=bias)


def class_part(name: str, recall: float) -> ClassPart:
    return ClassPart(name=name, rows=50, share_of_rows=0.5, share_of_loss=0.5, decided=0.5, recall=recall)


def test_bars_stand_up_and_down_from_zero() -> None:
    chart = biases([part("1.23456 to 4.56789", 0.1), part("4.56789 to 9", -0.3), part("9 to 11", None)])
    assert chart is not None
    up, down = chart.bars
    assert (up.below, down.below) == (False, True)
    assert up.y + up.height == pytest.approx(chart.zero)
    assert down.y == pytest.approx(chart.zero)
    assert down.height == pytest.approx(3 * up.height, rel=0.02)
    assert up.names == ("1.23 –", "4.57")
    large = biases([part("29700.5 to 103653", 3000.0), part("103653 to 217368", -2000.0)])
    assert large is not None
    assert large.bars[0].names == ("29.7k –", "104k")
    assert "−2000" in {words for _, words in large.ys}
    assert biases([part("all", 0.2)]) is None


def test_the_longest_bar_fills_its_room_and_a_negative_value_has_none() -> None:
    chart = bars([("small", 1.0, None), ("large", 4.0, 0.5), ("less than nothing", -1.0, None)])
    assert [bar.names[0] for bar in chart.bars] == ["large", "small", "less than nothing"]
    assert chart.bars[0].width == pytest.approx(4 * chart.bars[1].width, abs=0.5)
    assert all(bar.x >= 0 and bar.x + bar.width <= SMALL for bar in chart.bars)
    assert "± 0.5" in chart.bars[0].title


def test_an_unrecorded_pair_of_classes_is_open_unless_the_rest_is_all() -> None:
    classes = [class_part("a", 0.9), class_part("b", 1.0), class_part("c", 0.5)]
    found = confusion_matrix(classes, [Confusion(truth="a", decided="b", rows=5, share=0.1)])
    assert found is not None
    assert [[cell.share for cell in cells] for _, cells in found.rows] == [
        [0.9, 0.1, 0.0],
        [0.0, 1.0, 0.0],
        [None, None, 0.5],
    ]
    assert found.rest
    assert confusion_matrix(classes[:1], []) is None


def test_a_learning_curve_needs_both_of_its_points() -> None:
    assert learning_curve(Probes(half=0.5)) is None
    curve = learning_curve(Probes(half=0.5, whole=0.4, reseeded=0.41))
    assert curve is not None
    assert curve.half < (curve.reseeded or 0.0) < curve.whole, "y grows downwards"


def test_what_was_shuffled_counts_more_than_what_a_script_says() -> None:
    sample = with_evidence(sample_run())
    summary = summarise(sample.envelopes)
    best = next(step for step in summary.trials if step.name == "1.2")
    found = evidence_of(best, summary, sample)
    assert found.measured
    assert found.importance == (("hour", 0.8, 0.1), ("temp", 0.2, 0.05))
    other = evidence_of(summary.trials[0], summary, sample)
    assert (other.diagnostics, other.importance, other.measured) == (None, (), False)


def test_pictures_follow_the_kind_of_task() -> None:
    def page(scale: str) -> str:
        made = with_evidence(sample_run(), scale=scale)
        return render(made.envelopes, made)

    assert "Residuals by prediction." in page("log1p")
    assert "Calibration." in page("probability")
    assert "Residuals by prediction." not in page("probability")
    for words in ("Importance.", "Learning curve.", "Where the loss is.", "measured by the harness", "1 row with the"):
        assert words in page("log1p")


def test_a_solution_is_followed_to_the_script_that_it_came_from() -> None:
    summary = summarise(sample_run().envelopes)
    steps = {step.name: step for step in summary.trials}
    assert first_solution(steps["0.2"], summary).name == "0.1"
    assert first_solution(steps["0.1"], summary).name == "0.1"


def test_a_script_is_marked_and_stays_text() -> None:
    page = highlighted("x = '</pre><script>alert(1)</script>'  # \x1b[31m<b>\n")
    assert "<script" not in page
    assert "<b>" not in page
    assert "\x1b" not in page
    assert '<span class="h-c1">' in page
    assert highlighted("<" * 50_000).startswith("&lt;&lt;")
