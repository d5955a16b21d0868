"""What the user asks holds until it is withdrawn."""

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.run_messages import HintGiven
from gome.agents.state.hints import Hints
from gome.bus.message import Envelope


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
