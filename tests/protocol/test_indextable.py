"""The index table."""

from __future__ import annotations

import random
from collections.abc import Callable

from netstart_wg.protocol.indextable import IndexTable


def drawing(*indices: int) -> Callable[[int], bytes]:
    """Return a source of randomness that gives just these, and fails when asked for more."""
    left = list(indices)
    return lambda length: left.pop(0).to_bytes(length, "little")


def test_an_index_is_drawn_from_four_random_bytes() -> None:
    table: IndexTable[str] = IndexTable()
    assert table.allocate("a", drawing(0xFFFFFFFE)) == 0xFFFFFFFE
    assert table.lookup(0xFFFFFFFE) == "a"


def test_an_index_in_use_is_drawn_again() -> None:
    table: IndexTable[str] = IndexTable()
    table.allocate("a", drawing(7))
    assert table.allocate("b", drawing(7, 7, 8)) == 8
    assert (table.lookup(7), table.lookup(8)) == ("a", "b")


def test_an_owner_may_have_several_indices() -> None:
    table: IndexTable[str] = IndexTable()
    assert [table.allocate("a", drawing(index)) for index in (3, 4)] == [3, 4]
    assert len(table) == 2


def test_a_released_index_is_nobodys_and_may_be_drawn_again() -> None:
    table: IndexTable[str] = IndexTable()
    table.allocate("a", drawing(7))
    table.release(7)
    assert table.lookup(7) is None
    assert len(table) == 0
    assert table.allocate("b", drawing(7)) == 7


def test_releasing_an_index_that_nobody_has_changes_nothing() -> None:
    table: IndexTable[str] = IndexTable()
    table.allocate("a", drawing(7))
    table.release(8)
    assert (table.lookup(7), len(table)) == ("a", 1)


def test_ten_thousand_indices_are_unique_and_leave_nothing_behind() -> None:
    table: IndexTable[int] = IndexTable()
    source = random.Random(1)
    indices = [table.allocate(owner, source.randbytes) for owner in range(10_000)]
    assert len(set(indices)) == len(table) == 10_000
    assert all(table.lookup(index) == owner for owner, index in enumerate(indices))
    for index in indices:
        table.release(index)
    assert len(table) == 0


def test_an_index_that_somebody_had_elsewhere_is_given_if_it_is_free() -> None:
    table: IndexTable[str] = IndexTable()
    assert table.claim(7, "a")
    assert not table.claim(7, "b")
    assert not table.claim(7, "a")
    assert table.lookup(7) == "a"
    assert table.allocate("b", drawing(7, 8)) == 8
