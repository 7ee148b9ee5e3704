"""When names are looked up again, and which address is taken."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netstart_wg.model.address import Endpoint
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.state import PeerState
from netstart_wg.reconcile.renewal import (
    FIRST_DELAY_NS,
    FRESH_NS,
    LAST_DELAY_NS,
    LOST_NS,
    NEVER,
    SECOND,
    TRY_NS,
    Schedule,
    choose_endpoint,
    is_lost,
)

NOW = 1_000_000 * SECOND
HERE, THERE, OTHER = (Endpoint(ip_address(f"192.0.2.{number}"), 51820) for number in (1, 2, 3))
PEER = PeerState(public_key=PublicKey(bytes([7] * 32)), tx_bytes=148)


def heard(seconds_ago: int, endpoint: Endpoint | None = HERE) -> PeerState:
    return replace(PEER, endpoint=endpoint, last_handshake_ns=NOW - seconds_ago * SECOND)


def test_a_new_name_is_looked_up_at_once() -> None:
    assert Schedule().due_ns <= 0


def test_what_is_in_vain_is_tried_at_growing_intervals_up_to_a_limit() -> None:
    schedule, delays = Schedule(), []
    for _ in range(12):
        schedule = schedule.in_vain(NOW, jitter=0)
        delays.append(schedule.due_ns - NOW)
    assert delays[:4] == [FIRST_DELAY_NS * factor for factor in (1, 2, 4, 8)]
    assert delays[-1] == delays[-2] == LAST_DELAY_NS


def test_jitter_makes_it_a_quarter_later_at_most() -> None:
    assert Schedule().in_vain(NOW, jitter=1).due_ns == NOW + FIRST_DELAY_NS * 5 // 4


def test_an_address_has_more_time_to_prove_itself() -> None:
    assert Schedule().in_vain(NOW, jitter=0, is_resolved=True).due_ns == NOW + TRY_NS


def test_what_is_found_is_looked_up_no_more_until_there_is_a_reason() -> None:
    done = Schedule().in_vain(NOW, jitter=0).done()
    assert done.due_ns == NEVER
    assert done.asked_for(NOW).due_ns == NOW
    assert done.network_changed(NOW).due_ns == NOW


def test_a_reason_does_not_shorten_the_wait_after_a_vain_look_but_the_network_does() -> None:
    waiting = Schedule().in_vain(NOW, jitter=0).in_vain(NOW, jitter=0)
    assert waiting.asked_for(NOW) == waiting
    assert waiting.network_changed(NOW) == Schedule(due_ns=NOW)


@pytest.mark.parametrize(
    ("peer", "before", "lost"),
    [
        (heard(1), heard(1), False),
        (replace(heard(200), persistent_keepalive=25), None, True),
        (replace(heard(170), persistent_keepalive=25), None, False),
        (heard(200), heard(200), False),
        (replace(heard(200), tx_bytes=500), heard(200), True),
        (replace(heard(10), tx_bytes=500), heard(10), False),
        (heard(200), None, False),
    ],
)
def test_a_peer_is_lost_that_should_be_heard_of_and_is_not(
    peer: PeerState, before: PeerState | None, lost: bool
) -> None:
    assert is_lost(peer, before, NOW) is lost


def test_without_an_endpoint_it_gets_the_best_address() -> None:
    assert choose_endpoint([THERE, OTHER], heard(999, None), NOW) == THERE


def test_a_peer_that_is_heard_of_stays_where_it_is() -> None:
    assert choose_endpoint([THERE], heard(FRESH_NS // SECOND - 1), NOW) is None


def test_a_peer_that_is_not_gets_the_address_that_its_name_has_now() -> None:
    assert choose_endpoint([THERE], heard(FRESH_NS // SECOND + 1), NOW) == THERE


def test_where_its_name_leads_it_stays_unless_that_has_led_nowhere_for_long() -> None:
    assert choose_endpoint([HERE, THERE], heard(FRESH_NS // SECOND + 1), NOW) is None
    lost = heard(LOST_NS // SECOND + 1)
    assert choose_endpoint([HERE, THERE], lost, NOW) == THERE
    assert choose_endpoint([THERE, HERE], lost, NOW) == THERE
    assert choose_endpoint([HERE], lost, NOW) is None


def test_an_address_that_nothing_was_sent_to_is_not_given_up() -> None:
    never_tried = replace(PEER, endpoint=HERE, tx_bytes=0)
    assert choose_endpoint([HERE, THERE], never_tried, NOW) is None
