"""The replay window: known sequences, and a plain set of integers to compare with."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.protocol.replay import ReplayFilter

WINDOW = 8192 - 64
LIMIT = 2**64 - 1 - 8128
"""REJECT_AFTER_MESSAGES as Linux and OpenBSD have it."""

L = WINDOW + 1
# The sequence of the counter self-test in OpenBSD's wg_noise.c and Linux' selftest/counter.c.
KERNEL_SEQUENCE = [
    (0, True), (1, True), (1, False), (9, True), (8, True), (7, True), (7, False),
    (L, True), (L - 1, True), (L - 1, False), (L - 2, True), (2, True), (2, False),
    (L + 16, True), (3, False), (L + 16, False),
    (4 * L, True), (4 * L - (L - 1), True), (10, False), (4 * L - L, False),
    (4 * L - (L + 1), False), (4 * L - (L - 2), True), (4 * L + 1 - L, False), (0, False),
    (LIMIT, False), (LIMIT - 1, True), (LIMIT, False), (LIMIT - 1, False), (LIMIT - 2, True),
    (LIMIT + 1, False), (LIMIT + 2, False), (LIMIT - 2, False), (LIMIT - 3, True), (0, False),
]  # fmt: skip

# The six loops of the same tests: counters that are all accepted, then the steps that decide.
KERNEL_LOOPS = {
    "up from 1": (range(1, WINDOW + 1), [(0, True), (0, False)]),
    "up from 2": (range(2, WINDOW + 2), [(1, True), (0, False)]),
    "down to 0": (range(WINDOW, -1, -1), []),
    "down to 1, then 0": (range(WINDOW + 1, 0, -1), [(0, False)]),
    "down to 1, then above": (range(WINDOW, 0, -1), [(WINDOW + 1, True), (0, False)]),
    "down to 1, then 0 and above": (range(WINDOW, 0, -1), [(0, True), (WINDOW + 1, True)]),
}


class Model:
    """Every counter ever accepted, in a set."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.greatest = -1

    def accept(self, counter: int) -> bool:
        if counter >= LIMIT or counter in self.seen or self.greatest - counter > WINDOW:
            return False
        self.seen.add(counter)
        self.greatest = max(self.greatest, counter)
        return True

    def accept_run(self, first: int, count: int) -> bool:
        if first <= self.greatest or first + count - 1 >= LIMIT:
            return False
        self.greatest = first + count - 1
        self.seen.update(range(first, first + count))
        return True


def test_the_kernel_sequence_is_judged_as_the_kernel_does() -> None:
    replay = ReplayFilter()
    for step, (counter, accepted) in enumerate(KERNEL_SEQUENCE):
        assert replay.accept(counter) is accepted, f"step {step}: {counter}"


@pytest.mark.parametrize("name", KERNEL_LOOPS)
def test_a_loop_over_the_window_is_judged_as_the_kernel_does(name: str) -> None:
    replay = ReplayFilter()
    accepted, decisive = KERNEL_LOOPS[name]
    assert all(replay.accept(counter) for counter in accepted)
    assert [replay.accept(counter) for counter, _ in decisive] == [is_new for _, is_new in decisive]


def test_a_counter_at_the_limit_is_refused_even_when_it_is_the_next_in_order() -> None:
    replay = ReplayFilter()
    assert replay.accept(LIMIT - 1)
    assert not replay.accept(LIMIT)
    assert not replay.accept(2**64 - 1)


def test_a_run_on_top_is_recorded_whole() -> None:
    replay = ReplayFilter()
    assert replay.accept_run(0, 45)
    assert replay.accept_run(45, 3)
    assert not any(replay.accept(counter) for counter in range(48))
    assert replay.accept(48)


def test_a_run_after_a_gap_leaves_the_gap_open() -> None:
    replay = ReplayFilter()
    assert replay.accept(0)
    assert replay.accept_run(5, 3)
    assert [replay.accept(counter) for counter in range(9)] == [
        False, True, True, True, True, False, False, False, True,
    ]  # fmt: skip


def test_a_run_that_begins_below_the_top_records_nothing() -> None:
    replay = ReplayFilter()
    assert replay.accept(10)
    assert not replay.accept_run(10, 2)
    assert not replay.accept_run(8, 5)
    assert [replay.accept(counter) for counter in (8, 9, 11, 12)] == [True] * 4


def test_a_run_that_would_reach_the_limit_records_nothing() -> None:
    replay = ReplayFilter()
    assert not replay.accept_run(LIMIT - 2, 3)
    assert replay.accept(LIMIT - 2)
    assert replay.accept_run(LIMIT - 1, 1)
    assert not replay.accept_run(LIMIT, 1)


def test_a_run_longer_than_the_window_closes_it() -> None:
    replay = ReplayFilter()
    assert replay.accept(1)
    assert replay.accept_run(3, 3 * WINDOW)
    assert replay.accept(5 * WINDOW)
    assert not replay.accept(3 * WINDOW + 2)
    assert replay.accept(4 * WINDOW)
    assert not replay.accept(2)


def test_a_run_is_still_known_after_a_gap() -> None:
    replay = ReplayFilter()
    assert replay.accept_run(0, 5)
    assert replay.accept(7)
    assert [replay.accept(counter) for counter in range(8)] == [False] * 5 + [True, True, False]


@pytest.mark.parametrize("oldest", [0, 3])
def test_the_oldest_counter_in_the_window_is_still_known(oldest: int) -> None:
    replay = ReplayFilter()
    assert replay.accept(oldest)
    assert replay.accept(oldest + WINDOW)
    assert not replay.accept(oldest)
    assert replay.accept(oldest + 1)


def test_steady_loss_does_not_let_the_bitmap_grow() -> None:
    replay = ReplayFilter()
    assert all(replay.accept(counter) for counter in range(0, 4 * WINDOW, 3))
    assert replay._seen.bit_length() <= WINDOW + 1


def test_a_jump_across_half_the_numbers_costs_no_memory() -> None:
    replay = ReplayFilter()
    assert replay.accept(0)
    assert replay.accept(2**63)
    assert not replay.accept(0)
    assert replay.accept(2**63 - WINDOW)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("beside"), st.integers(-3, 3), st.just(1)),
        st.tuples(st.just("beside"), st.integers(-2 * WINDOW, 2 * WINDOW), st.just(1)),
        st.tuples(st.just("beside"), st.integers(-WINDOW - 2, -WINDOW + 2), st.just(1)),
        st.tuples(st.just("run"), st.integers(-2, 2), st.integers(1, 70)),
        st.tuples(st.just("run"), st.integers(-2, 2 * WINDOW), st.integers(1, 2 * WINDOW)),
    ),
    max_size=30,
)


@given(start=st.one_of(st.just(0), st.just(LIMIT - WINDOW)), steps=STEPS)
def test_any_sequence_is_judged_as_by_a_set_of_all_counters(
    start: int, steps: Iterable[tuple[str, int, int]]
) -> None:
    replay, model = ReplayFilter(), Model()
    assert replay.accept(start) is model.accept(start)
    for kind, distance, count in steps:
        counter = model.greatest + distance
        if counter < 0:
            continue
        if kind == "run":
            assert replay.accept_run(counter, count) is model.accept_run(counter, count)
        else:
            assert replay.accept(counter) is model.accept(counter)
    top = model.greatest
    for counter in (*range(top - 100, top + 2), *range(top - WINDOW - 2, top - WINDOW + 3)):
        if counter >= 0:
            assert replay.accept(counter) is model.accept(counter)


@given(st.lists(st.integers(0, 3 * WINDOW)), st.lists(st.integers(0, 3 * WINDOW)))
def test_a_window_that_was_handed_over_is_the_same_window(
    before: list[int], after: list[int]
) -> None:
    here = ReplayFilter()
    for counter in before:
        here.accept(counter)
    there = ReplayFilter.restored(here.save())
    assert [there.accept(each) for each in after + before] == [
        here.accept(each) for each in after + before
    ]
    assert not any(there.accept(each) for each in after + before)
