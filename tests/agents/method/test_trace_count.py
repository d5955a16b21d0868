"""The number of traces with `traces: auto`: how many begin, who is folded, when another is opened."""

import pytest

from gome.agents.method.trace_count import Racer, loser, opens_another, roots, supported
from gome.scenarios.config.method import TraceSettings
from tests.agents.helpers.evaluations import run_of

SETTINGS = TraceSettings()
DRAWS = (-0.01, 0.0, 0.01)


def at(score: float | None, trials: int = 3, since: int = 0) -> Racer:
    return Racer(trials, since, None if score is None else run_of(0, score, *DRAWS))


@pytest.mark.parametrize(("left", "count"), [(1, 1), (12, 1), (17, 1), (19, 2), (30, 2), (48, 4), (500, 4), (None, 4)])
def test_a_trace_for_every_dozen_of_trials(left: float | None, count: int) -> None:
    assert supported(left, SETTINGS) == count


@pytest.mark.parametrize(
    ("left", "slots", "count"), [(12, 2, 2), (11, 2, 1), (24, 8, 4), (48, 2, 2), (500, 8, 4), (6, 1, 1), (1, 2, 1)]
)
def test_a_run_begins_with_a_root_per_slot_and_at_most_one_for_six_trials(left: float, slots: int, count: int) -> None:
    assert roots(left, slots, SETTINGS) == count
    assert roots(None, slots, SETTINGS) == min(slots, SETTINGS.most)


def test_of_roots_that_the_trials_do_not_support_the_worst_is_folded_after_its_first_trial() -> None:
    assert loser({0: at(0.5, 1), 1: at(0.4, 1)}, 10, "minimize", SETTINGS) == (
        0,
        "the trials left are enough for 1 of 2 traces, and it is the last of them",
    )


def test_no_trace_is_folded_before_all_have_had_a_trial() -> None:
    assert loser({0: at(0.5, 2), 1: at(None, 0)}, 10, "minimize", SETTINGS) is None
    assert loser({0: at(0.5)}, 1, "minimize", SETTINGS) is None, "one alone goes on"


def test_with_few_trials_left_the_worst_is_folded_however_close() -> None:
    found = loser({0: at(0.5, 1), 1: at(0.501, 1), 2: at(0.502, 1)}, 24, "minimize", SETTINGS)
    assert found == (2, "the trials left are enough for 2 of 3 traces, and it is the last of them")
    found = loser({0: at(0.5, 1), 1: at(0.501, 1)}, 10, "maximize", SETTINGS)
    assert found is not None
    assert found[0] == 0
    found = loser({0: at(0.5, 1), 1: at(None, 1)}, 10, "maximize", SETTINGS)
    assert found is not None
    assert found[0] == 1, "no solution is the worst of all"


def test_with_many_left_only_what_is_clearly_behind_is_folded_and_not_at_once() -> None:
    near = Racer(3, 0, run_of(0, 0.501, 0.01, -0.01, 0.0))
    assert loser({0: at(0.5), 1: near}, 100, "minimize", SETTINGS) is None
    found = loser({0: at(0.5), 1: at(0.9)}, 100, "minimize", SETTINGS)
    assert found == (1, "0.4 behind trace 0 after 3 trials")
    assert loser({0: at(0.5), 1: at(0.9, 2)}, 100, "minimize", SETTINGS) is None, "it has had two trials"
    found = loser({0: at(0.5), 1: at(None)}, 100, "minimize", SETTINGS)
    assert found == (1, "no solution after 3 trials")


def test_another_is_opened_where_the_best_has_stalled_and_trials_are_left() -> None:
    stalled, moving = {0: at(0.5, 9, 5), 1: at(0.6)}, {0: at(0.5, 9, 4), 1: at(0.6, 9, 9)}
    assert opens_another(stalled, 2, 40, "minimize", SETTINGS)
    assert not opens_another(moving, 2, 40, "minimize", SETTINGS), "the best trace decides"
    assert not opens_another(stalled, 2, 24, "minimize", SETTINGS), "two traces are all that is supported"
    assert not opens_another(stalled, SETTINGS.limit, 40, "minimize", SETTINGS)
    assert not opens_another({}, 0, 40, "minimize", SETTINGS)
