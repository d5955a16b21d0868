"""Routing: exactly the subscribers of a message's kind and trace receive it, in order of subscription."""

from hypothesis import given
from hypothesis import strategies as st

from gome.bus.message import Subscription
from gome.bus.routes import Routes

TRACES = st.none() | st.integers(0, 3)
KINDS = st.sampled_from("abc")
SUBSCRIPTIONS = st.builds(Subscription, st.frozensets(KINDS), TRACES)


@given(st.lists(SUBSCRIPTIONS, max_size=12), st.sets(st.integers(0, 11)), KINDS, TRACES)
def test_a_lookup_is_what_asking_everybody_would_give(
    subscriptions: list[Subscription], leaving: set[int], kind: str, trace: int | None
) -> None:
    routes: Routes[int] = Routes()
    for number, subscription in enumerate(subscriptions):
        routes.add(subscription, number)
    assert routes.listeners(kind, trace) == [
        number for number, each in enumerate(subscriptions) if each.matches(kind, trace)
    ]
    staying = [number for number in range(len(subscriptions)) if number not in leaving]
    for number, subscription in enumerate(subscriptions):
        if number in leaving:
            routes.remove(subscription, number)
    assert sorted(routes) == staying
    assert routes.listeners(kind, trace) == [each for each in staying if subscriptions[each].matches(kind, trace)]
