"""The three slots of keypairs (paper §6.1) and when a keypair is too old."""

from __future__ import annotations

import itertools

import pytest

from netstart_wg.protocol.keypair import Keypair, Keypairs
from netstart_wg.protocol.noise import SessionKeys

SECOND = 1_000_000_000
_indices = itertools.count(1)


def keypair(*, is_initiator: bool = True, created_ns: int = 0) -> Keypair:
    keys = SessionKeys(sending=bytes(32), receiving=bytes([1]) * 32)
    return Keypair.of(
        keys,
        local_index=next(_indices),
        remote_index=0,
        is_initiator=is_initiator,
        created_ns=created_ns,
    )


def test_an_initiators_keypair_sends_at_once_and_the_old_one_still_receives() -> None:
    slots, first, second = Keypairs(), keypair(), keypair()
    assert slots.add(first) == []
    assert slots.add(second) == []
    assert (slots.previous, slots.current, slots.next) == (first, second, None)


def test_a_responders_keypair_waits_until_it_is_confirmed() -> None:
    slots, first, second = Keypairs(), keypair(), keypair(is_initiator=False)
    slots.add(first)
    slots.add(second)
    assert (slots.previous, slots.current, slots.next) == (None, first, second)
    assert slots.confirm(second) == []
    assert (slots.previous, slots.current, slots.next) == (first, second, None)


def test_confirming_again_or_another_changes_nothing() -> None:
    slots, first, second = Keypairs(), keypair(), keypair(is_initiator=False)
    slots.add(first)
    slots.add(second)
    assert slots.confirm(first) is None
    slots.confirm(second)
    assert slots.confirm(second) is None
    assert slots.current is second


def test_what_falls_out_of_the_slots_is_returned_once() -> None:
    slots = Keypairs()
    first, second, third = keypair(), keypair(), keypair()
    slots.add(first)
    slots.add(second)
    assert slots.add(third) == [first]
    waiting, newer = keypair(is_initiator=False), keypair(is_initiator=False)
    assert slots.add(waiting) == [second]
    assert slots.add(newer) == [waiting]
    assert slots.clear() == [third, newer]
    assert list(slots) == []


def test_an_unconfirmed_keypair_becomes_the_previous_one_of_an_initiator() -> None:
    slots, first = Keypairs(), keypair()
    waiting, newest = keypair(is_initiator=False), keypair()
    slots.add(first)
    slots.add(waiting)
    assert slots.add(newest) == [first]
    assert (slots.previous, slots.current, slots.next) == (waiting, newest, None)


@pytest.mark.parametrize(("age", "alive"), [(0, True), (179, True), (180, False), (999, False)])
def test_a_keypair_is_dead_after_three_minutes(age: int, alive: bool) -> None:
    each = keypair(created_ns=5 * SECOND)
    assert each.is_alive((5 + age) * SECOND) is alive
    assert each.can_send((5 + age) * SECOND) is alive


@pytest.mark.parametrize(
    ("counter", "can_send"),
    [(0, True), (2**32, True), (2**60, True), (2**64 - 8130, True), (2**64 - 8129, False)],
)
def test_no_nonce_is_used_beyond_the_limit(counter: int, can_send: bool) -> None:
    each = keypair()
    each.send_counter = counter
    assert each.can_send(SECOND) is can_send


def test_after_a_key_change_old_sessions_receive_but_no_longer_send() -> None:
    slots, first = Keypairs(), keypair()
    slots.add(first)
    slots.stop_sending()
    assert not first.can_send(SECOND)
    assert first.is_alive(SECOND)
    assert list(slots) == [first]


def test_a_keypair_that_was_handed_over_goes_on_with_the_next_counter() -> None:
    here = keypair(is_initiator=False, created_ns=5 * SECOND)
    here.send_counter = 4711
    assert here.replay.accept(3)
    there = Keypair.restored(here.save())
    assert there.save() == here.save()
    assert there.send_counter == 4711
    assert not there.replay.accept(3)
    nonce, packet = bytes(12), b"packet"
    assert there.receiving.decrypt(nonce, here.receiving.encrypt(nonce, packet, None), None)
    assert there.sending.encrypt(nonce, packet, None) == here.sending.encrypt(nonce, packet, None)
