"""Bugs of handshakes, timers, counters and roaming that other engines have had.

Two whole tunnels on a virtual clock; README.md says where each bug was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from netstart_wg.datapath.base import Datagrams
from netstart_wg.datapath.offload import PLAIN
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import PeerChange
from netstart_wg.model.now import Now
from netstart_wg.protocol.cookie import CookieChecker
from netstart_wg.protocol.forwarding import DropReason, Path
from netstart_wg.protocol.keypair import Keypair
from tests.datapath.packets import udp_datagram
from tests.engine.simulation import SECOND, Host, Sent, datagrams_of
from tests.engine.test_tunnel import COOKIE, DATA, INITIATION, RESPONSE, drops, gaps, pair

MINUTE = 60 * SECOND
REKEY_AFTER_MESSAGES = 2**60
REJECT_AFTER_MESSAGES = 2**64 - 2**13 - 1 + 64
"""Linux, drivers/net/wireguard/messages.h; the paper's is 64 less."""
UNDER_LOAD = 600
"""More handshake messages in a second than anybody answers without a cookie."""


def current(host: Host) -> Keypair:
    """The keypair that a host sends with."""
    (peer,) = host.device._peers.values()
    keypair = peer._keypairs.current
    assert keypair is not None
    return keypair


def counters(sent: list[Sent]) -> list[tuple[int, int]]:
    """Receiver index and counter of each data message: under one index, the nonces."""
    messages = [each.message for each in sent if each.kind == DATA]
    return [(int.from_bytes(m[4:8], "little"), int.from_bytes(m[8:16], "little")) for m in messages]


# -- counters ------------------------------------------------------------------------------


def test_the_counter_does_not_wrap_at_32_bits() -> None:
    """Seen in gotatun and boringtun, 2026-04: a counter of 32 bits, and nonces that came again."""
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    current(a).send_counter = 2**32 - 2
    for number in range(4):
        a.say(b, b"%d" % number)
    simulation.run(SECOND)
    assert [counter for _, counter in counters(a.sent)[-4:]] == list(range(2**32 - 2, 2**32 + 2))
    assert b.heard()[1:] == [b"0", b"1", b"2", b"3"]


def test_a_session_is_renewed_after_2_to_the_60_messages() -> None:
    """Seen in gotatun and boringtun, 2026-04: the limits in messages were not enforced."""
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(10 * SECOND)
    for counter, initiations in ((REKEY_AFTER_MESSAGES - 1, 1), (REKEY_AFTER_MESSAGES, 2)):
        current(a).send_counter = counter
        a.say(b, b"x")
        assert a.count(INITIATION) == initiations
    simulation.run(SECOND)
    assert current(a).send_counter == 1


@pytest.mark.parametrize("left", [0, 1, 2, 40], ids="{} nonces left".format)
@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one by one"])
def test_nothing_is_sealed_beyond_the_reject_limit(left: int, at_once: bool) -> None:
    """Seen in gotatun and boringtun, 2026-04: REJECT_AFTER_MESSAGES was defined and not enforced.

    Ours once handed a batch that did not fit up and down for ever.
    """
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(10 * SECOND)
    current(a).send_counter = REJECT_AFTER_MESSAGES - left
    contents = [b"%d" % number for number in range(60)]
    packets = [udp_datagram(a.inner, b.inner, content) for content in contents]
    for batch in [packets] if at_once else [[packet] for packet in packets]:
        a.tun.outgoing.extend((PLAIN, packet) for packet in batch)
        while a.tunnel.tun_is_readable(a.now):
            pass
    simulation.run(SECOND)
    nonces = counters(a.sent)
    assert len(nonces) == len(set(nonces))
    assert max(counter for _, counter in nonces) < REJECT_AFTER_MESSAGES
    assert b.heard()[1:] == contents
    assert a.count(INITIATION) == 2


@pytest.mark.parametrize(("below", "is_accepted"), [(1, True), (0, False), (-1, False)])
def test_nothing_is_accepted_at_the_reject_limit(below: int, is_accepted: bool) -> None:
    """Seen in gotatun and boringtun, 2026-04: the receiver did not enforce it, either."""
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    counter = REJECT_AFTER_MESSAGES - below
    nonce = bytes(4) + counter.to_bytes(8, "little")
    sealed = current(a).sending.encrypt(nonce, udp_datagram(a.inner, b.inner, b"x"), None)
    header = a.sent[-1].message[:8] + counter.to_bytes(8, "little")
    b.arrives(header + sealed, Path(a.endpoint))
    assert (len(b.heard()) == 2) is is_accepted
    assert drops(b, DropReason.REPLAYED) == (not is_accepted)


def test_a_forged_counter_does_not_shut_out_what_is_authentic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen in pywireguard: the replay window was moved before the packet had been authenticated."""
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    b.is_connected = False
    a.tun.outgoing.extend(
        (PLAIN, udp_datagram(a.inner, b.inner, b"%02d" % number)) for number in range(12)
    )
    a.tunnel.tun_is_readable(a.now)
    genuine = [sent.message for sent in a.sent[-12:]]
    forged = [m[:8] + (2**63 + n).to_bytes(8, "little") + m[16:] for n, m in enumerate(genuine)]
    joined = b"".join(forged + genuine[:6] + forged + genuine[6:])
    b.tun.takes_udp_super_packets = False  # what goes out one by one is heard one by one
    batch = datagrams_of(joined, len(genuine[0]), Path(a.endpoint))
    monkeypatch.setattr(b.udp, "receive", only(batch))
    b.tunnel.udp_is_readable(b.now)
    assert b.heard()[1:] == [b"%02d" % number for number in range(12)]
    assert drops(b, DropReason.NOT_AUTHENTIC) == 24


def only(datagrams: Datagrams) -> Callable[[int], Sequence[Datagrams]]:
    """A `receive` that brings this, and then nothing."""
    waiting = [datagrams]
    return lambda _limit: [waiting.pop()] if waiting else []


# -- keepalives ----------------------------------------------------------------------------


def test_two_idle_peers_do_not_answer_keepalives_with_keepalives() -> None:
    """Seen in gotatun: two peers with nothing to say sent each other keepalives for ever."""
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    b.say(a, b"hello")
    simulation.run(15 * SECOND)
    idle_ns = simulation.clock_ns
    simulation.run(MINUTE)
    assert [len([s for s in host.sent if s.at_ns >= idle_ns]) for host in (a, b)] == [0, 0]
    assert [host.count(DATA) for host in (a, b)] == [2, 1]  # one keepalive told b that it was heard


def test_a_keepalive_is_due_ten_seconds_after_data_came_and_not_after_we_spoke() -> None:
    """Seen in gotatun: the ten seconds ran from the last packet sent."""
    simulation, a, b = pair()
    a.say(b, b"question")
    simulation.run(9 * SECOND)
    b.say(a, b"answer")
    answered_ns = simulation.clock_ns + simulation.latency_ns
    simulation.run(30 * SECOND)
    keepalives = [sent.at_ns for sent in a.sent if sent.is_keepalive]
    assert keepalives == [answered_ns + 10 * SECOND]
    assert not any(sent.is_keepalive for sent in b.sent)  # the answer did instead of one


# -- handshakes ----------------------------------------------------------------------------


def test_hundreds_of_handshakes_from_one_address_get_no_cookie_while_there_is_no_load() -> None:
    """Seen in gotatun 0.1.2 and 0.3.0: every handshake after the hundredth got a cookie."""
    simulation, a, b = pair()
    for number in range(200):
        a.tunnel.bring_down(a.now)
        a.tunnel.bring_up(a.now)
        a.say(b, b"%d" % number)
        simulation.run(SECOND // 5)
    assert (a.count(INITIATION), b.count(RESPONSE), b.count(COOKIE)) == (200, 200, 0)
    assert b.heard() == [b"%d" % number for number in range(200)]


def test_the_session_is_renewed_every_two_minutes_and_not_more_often() -> None:
    """Seen in gotatun 0.1.2 and 0.3.0: sessions were renewed more often than that."""
    simulation, a, b = pair()
    end_ns = simulation.clock_ns + 60 * MINUTE
    for host, other in ((a, b), (b, a)):
        simulation.every(SECOND, end_ns, lambda host=host, other=other: host.say(other, b"."))  # type: ignore[misc]
    simulation.run(60 * MINUTE)
    assert a.count(INITIATION) + b.count(INITIATION) == 30


def test_initiations_are_not_repeated_in_step() -> None:
    """Seen in gotatun 0.1.2 and 0.3.0: no jitter, so that two ends could go on doing it at once."""
    simulation, a, b = pair()
    b.is_connected = False
    a.say(b, b"anybody?")
    simulation.run(2 * MINUTE)
    waits = gaps(a.sent)
    assert len(set(waits)) > len(waits) / 2
    assert all(5 * SECOND <= wait <= 5 * SECOND + SECOND // 3 + 1 for wait in waits)


@pytest.mark.parametrize("round_trip_ms", [260, 600, 4900])
def test_a_slow_response_is_accepted(round_trip_ms: int) -> None:
    """Seen in gotatun 0.4.1: a response that took more than 250 ms was discarded."""
    simulation, a, b = pair(latency_ns=round_trip_ms * 1_000_000 // 2)
    a.say(b, b"hello")
    simulation.run(10 * SECOND)
    assert b.heard() == [b"hello"]
    assert (a.count(INITIATION), b.count(RESPONSE)) == (1, 1)


def test_a_cookie_is_good_for_the_port_only_that_it_was_sent_to() -> None:
    """Seen in gotatun 0.6.0: the cookie was made of the address alone."""
    simulation, a, b = pair()
    a.say(b, b"hello")
    b.is_connected = False

    def answer(message: bytes, sender: Endpoint) -> int:
        """What kind of message b answers with, under load."""
        b.udp.inbox.extend([(a.sent[0].message, Path(sender))] * UNDER_LOAD)
        b.arrives(message, Path(sender))
        return b.sent[-1].kind

    other_port = Endpoint(a.endpoint.address, a.endpoint.port + 1)
    assert answer(a.sent[0].message, a.endpoint) == COOKIE
    a.arrives(b.sent[-1].message, Path(b.endpoint))
    simulation.run(6 * SECOND)
    with_cookie = a.sent[-1].message
    assert with_cookie[-16:] != bytes(16)
    assert answer(with_cookie, other_port) == COOKIE
    assert answer(with_cookie, a.endpoint) == RESPONSE


# -- where a peer is -----------------------------------------------------------------------


def where(host: Host) -> Endpoint | None:
    """Where a host thinks its only peer is."""
    (peer,) = host.device.state().peers
    return peer.endpoint


@pytest.mark.parametrize("content", [b"data", b""], ids=["data", "a keepalive"])
@pytest.mark.parametrize("mover", ["initiator", "responder"])
def test_an_endpoint_roams_with_data_alone(content: bytes, mover: str) -> None:
    """Seen in gotatun 0.4.0: a peer that had moved was found only by its next initiation."""
    simulation, a, b = pair()
    a.say(b, b"hello")
    simulation.run(SECOND)
    moving, staying = (a, b) if mover == "initiator" else (b, a)
    simulation.move(moving, "198.51.100.9")
    if content:
        moving.say(staying, content)
    else:
        moving.configure(PeerChange(public_key=staying.public_key, persistent_keepalive=25))
    simulation.run(SECOND)
    assert where(staying) == moving.endpoint
    assert (a.count(INITIATION), b.count(INITIATION)) == (1, 0)


def test_a_cookie_reply_does_not_move_the_endpoint() -> None:
    """Seen in gotatun 0.8.0: it did."""
    simulation, a, b = pair()
    b.is_connected = False
    a.say(b, b"hello")
    initiation = a.sent[0].message
    elsewhere = Path(Endpoint(IPv4Address("203.0.113.66"), 666))
    index = int.from_bytes(initiation[4:8], "little")
    a.arrives(bytes([3, 0, 0, 0]) + initiation[4:8] + bytes(56), elsewhere)
    assert drops(a, DropReason.INVALID_COOKIE) == 1
    assert where(a) == b.endpoint
    # what the peer itself has made may come from anywhere, for whoever is in between
    reply = CookieChecker(b.public_key).create_reply(
        initiation, index, a.endpoint, simulation.clock_ns, bytes
    )
    a.arrives(reply.encode(), elsewhere)
    assert drops(a, DropReason.INVALID_COOKIE) == 1
    assert where(a) == b.endpoint
    simulation.run(6 * SECOND)
    assert a.sent[-1].message[-16:] != bytes(16)  # and the cookie was taken


# -- clocks --------------------------------------------------------------------------------


@pytest.mark.parametrize("step_s", [-86400, -1, 1, 86400], ids="{:+d} s".format)
def test_a_wall_clock_that_is_set_does_no_harm_to_a_session(step_s: int) -> None:
    """Seen in gotatun 0.3.0: it did not survive a clock that was not monotonic."""
    simulation, a, b = pair()
    end_ns = simulation.clock_ns + 10 * MINUTE
    simulation.every(SECOND, end_ns, lambda: a.say(b, b"."))
    simulation.run(MINUTE)
    for host in (a, b):
        host.clock_error_ns += step_s * SECOND
    simulation.run(9 * MINUTE)
    assert len(b.heard()) == 600
    assert a.count(INITIATION) == 5


def test_a_clock_that_was_ahead_and_is_set_right_does_not_shut_us_out() -> None:
    """CVE-2021-46873: who moves a victim's clock forward shuts it out until that date has come.

    For the peer takes no initiation that is not dated later than the one before.
    """
    simulation, a, b = pair()
    a.clock_error_ns = 50 * 365 * 86400 * SECOND
    a.say(b, b"in the far future")
    simulation.run(MINUTE)
    a.clock_error_ns = 0
    for number in range(5):
        a.tunnel.bring_down(a.now)
        a.tunnel.bring_up(a.now)
        a.say(b, b"%d" % number)
        simulation.run(SECOND)
    assert b.heard() == [b"in the far future", b"0", b"1", b"2", b"3", b"4"]
    assert drops(b, DropReason.INVALID_INITIATION) == 0


@dataclass
class Unsteady:
    """A clock that now and then is a little behind itself."""

    host: Host
    readings: int = 0

    def read(self) -> Now:
        self.readings += 1
        behind_ns = 50_000_000 if self.readings % 3 == 0 else 0
        clock_ns = self.host._simulation.clock_ns - behind_ns
        return Now(boottime_ns=clock_ns, realtime_ns=clock_ns)


def test_a_clock_that_goes_back_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen in gotatun 0.3.0: it did not survive a clock that was not monotonic."""
    simulation, a, b = pair()
    clocks = {host: Unsteady(host) for host in (a, b)}
    monkeypatch.setattr(Host, "now", property(lambda host: clocks[host].read()))
    end_ns = simulation.clock_ns + 5 * MINUTE
    simulation.every(SECOND // 2, end_ns, lambda: a.say(b, b"."))
    simulation.every(SECOND // 3, end_ns, lambda: b.say(a, b"."))
    simulation.run(5 * MINUTE)
    assert len(b.heard()) >= 599
    assert a.count(INITIATION) + b.count(INITIATION) <= 4
