"""What the user asks holds until it is withdrawn."""

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.run_messages import HintGiven
from gome.agents.protocol.types import Underway
from gome.agents.state.hints import Hints
from gome.bus.message import Envelope
from tests.agents.helpers.requests_made import hypothesis


def _given(name: str, hint: Hint) -> Envelope:
    return Envelope(name, 1, "run", "user", None, None, None, "c", 0.0, HintGiven(note=name, hint=hint))


def test_a_hint_holds_until_it_is_withdrawn() -> None:
    hints = Hints()
    for name, hint in (
        ("one", Hint(words="mind the hour")),
        ("two", Hint(avoid=("lightgbm",))),
        ("three", Hint(withdraw=("one",))),
    ):
        hints.heard(_given(name, hint))
    assert list(hints.given) == ["two"]
    hints.heard(_given("four", Hint(words="now the day", withdraw=("two",))))
    assert {name: each.line for name, each in hints.given.items()} == {"four": "now the day"}
    assert hints.avoided == ()


def test_what_others_try_is_marked_where_it_names_what_is_to_be_avoided() -> None:
    hints = Hints()
    hints.heard(_given("one", Hint(avoid=("sklearn.linear_model.Ridge", "scikit-learn"))))

    def marked(statement: str) -> tuple[str, ...]:
        idea = hypothesis("family", "up").model_copy(update={"statement": statement})
        (found,) = hints.marked([Underway(trace=1, step=2, hypotheses=(idea,))])
        return found.unwanted

    assert marked("A ridge on Scikit_Learn's scaler.") == ("sklearn.linear_model.Ridge", "scikit-learn")
    assert marked("A bridge between trees.") == ()
