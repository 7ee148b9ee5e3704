"""How long a refusal is remembered, and how many."""

from __future__ import annotations

from netstart_wg.datapath.refusals import REFUSALS_MAX, RETRY_AFTER_NS, Refusals


def test_a_refusal_holds_for_a_while_and_for_nobody_else() -> None:
    refusals: Refusals[str] = Refusals()
    refusals.remember("a", 1000)
    assert refusals.holds("a", 1000)
    assert refusals.holds("a", 1000 + RETRY_AFTER_NS - 1)
    assert not refusals.holds("b", 1000)
    assert not refusals.holds("a", 1000 + RETRY_AFTER_NS)


def test_who_refuses_again_is_remembered_from_then_on() -> None:
    refusals: Refusals[str] = Refusals()
    refusals.remember("a", 0)
    refusals.remember("b", 5)
    refusals.remember("a", 10)
    assert refusals.holds("a", RETRY_AFTER_NS + 9)
    assert not refusals.holds("b", RETRY_AFTER_NS + 9)


def test_nothing_is_left_to_look_up_when_all_is_over() -> None:
    refusals: Refusals[str] = Refusals()
    seen = [refusals.is_empty]
    refusals.remember("a", 0)
    refusals.remember("b", 0)
    seen.append(refusals.is_empty)
    assert not refusals.holds("c", RETRY_AFTER_NS)
    seen.append(refusals.is_empty)
    assert seen == [True, False, True]


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    refusals: Refusals[int] = Refusals()
    for number in range(REFUSALS_MAX + 1):
        refusals.remember(number, number)
    assert not refusals.holds(0, REFUSALS_MAX)
    assert refusals.holds(1, REFUSALS_MAX)
    assert refusals.holds(REFUSALS_MAX, REFUSALS_MAX)
