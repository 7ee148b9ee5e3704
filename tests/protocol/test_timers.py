"""The five timers, event by event; the delays are typed anew from the paper (§6)."""

from __future__ import annotations

from netstart_wg.protocol.timers import Timer, Timers

SECOND = 1_000_000_000
NOW = 1000 * SECOND


def due_at(timers: Timers, timer: Timer) -> int:
    """Let time pass until `timer` fires; return the seconds it took."""
    for second in range(1000):
        if timer in timers.expired(NOW + second * SECOND):
            return second
    raise AssertionError("it never fires")


def test_a_fresh_machine_waits_for_nothing() -> None:
    timers = Timers()
    assert timers.next_deadline() is None
    assert timers.expired(NOW + 10**6 * SECOND) == []


def test_an_initiation_is_repeated_after_five_seconds_and_the_jitter() -> None:
    timers = Timers()
    timers.handshake_initiated(NOW, jitter_ns=SECOND // 4)
    assert timers.next_deadline() == NOW + 5 * SECOND + SECOND // 4


def test_a_completed_handshake_is_not_repeated() -> None:
    timers = Timers()
    timers.handshake_initiated(NOW, 0)
    timers.handshake_complete()
    assert timers.next_deadline() is None


def test_sent_data_without_an_answer_starts_a_handshake_after_fifteen_seconds() -> None:
    timers = Timers()
    timers.data_sent(NOW, 0)
    timers.data_sent(NOW + 9 * SECOND, 0)  # the first one counts
    assert due_at(timers, Timer.NEW_HANDSHAKE) == 15


def test_any_answer_calls_that_handshake_off() -> None:
    timers = Timers()
    timers.data_sent(NOW, 0)
    timers.any_authenticated_packet_received()
    assert timers.next_deadline() is None


def test_received_data_earns_a_keepalive_after_ten_seconds() -> None:
    timers = Timers()
    timers.data_received(NOW)
    assert due_at(timers, Timer.SEND_KEEPALIVE) == 10


def test_anything_sent_does_instead_of_a_keepalive() -> None:
    timers = Timers()
    timers.data_received(NOW)
    timers.any_authenticated_packet_sent()
    assert timers.next_deadline() is None


def test_more_data_does_not_put_a_keepalive_off() -> None:
    timers = Timers()
    timers.data_received(NOW)
    timers.data_received(NOW + 9 * SECOND)
    assert due_at(timers, Timer.SEND_KEEPALIVE) == 10


def test_derived_keys_live_for_nine_minutes() -> None:
    timers = Timers()
    timers.session_derived(NOW)
    assert due_at(timers, Timer.ZERO_KEY_MATERIAL) == 540


def test_giving_up_also_sets_an_end_to_the_keys_but_does_not_put_it_off() -> None:
    timers = Timers()
    timers.session_derived(NOW)
    timers.handshake_given_up(NOW + 100 * SECOND)
    assert timers.next_deadline() == NOW + 540 * SECOND
    timers.stop()
    timers.handshake_given_up(NOW)
    assert timers.next_deadline() == NOW + 540 * SECOND


def test_a_persistent_keepalive_counts_from_the_last_packet_either_way() -> None:
    timers = Timers()
    timers.any_authenticated_packet_traversal(NOW)
    assert timers.next_deadline() is None
    timers.set_persistent_keepalive(25)
    timers.any_authenticated_packet_traversal(NOW)
    timers.any_authenticated_packet_traversal(NOW + 5 * SECOND)
    assert timers.next_deadline() == NOW + 30 * SECOND
    timers.set_persistent_keepalive(0)
    assert timers.next_deadline() is None


def test_timers_fire_once_and_the_earliest_first() -> None:
    timers = Timers()
    timers.data_sent(NOW, 0)
    timers.data_received(NOW)
    late = NOW + 60 * SECOND
    assert timers.expired(late) == [Timer.SEND_KEEPALIVE, Timer.NEW_HANDSHAKE]
    assert timers.expired(late) == []


def test_stop_disarms_all() -> None:
    timers = Timers()
    timers.data_sent(NOW, 0)
    timers.data_received(NOW)
    timers.session_derived(NOW)
    timers.stop()
    assert timers.next_deadline() is None


def test_timers_that_were_handed_over_are_due_when_they_were() -> None:
    here, there = Timers(), Timers()
    here.data_sent(NOW, SECOND // 4)
    here.session_derived(NOW)
    there.restore((*here.save(), ("of_another_version", NOW)))
    assert there.save() == here.save()
    assert there.next_deadline() == here.next_deadline() == NOW + 15 * SECOND + SECOND // 4
    assert not there.is_pending(Timer.SEND_KEEPALIVE)


def test_a_word_that_is_owed_is_due_at_once_and_paid_by_any_packet() -> None:
    timers = Timers()
    timers.word_is_owed(NOW)
    assert timers.expired(NOW) == [Timer.SEND_KEEPALIVE]
    timers.word_is_owed(NOW)
    timers.any_authenticated_packet_sent()
    assert timers.next_deadline() is None
