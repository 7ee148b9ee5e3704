"""One engine goes on where another has stopped, or has died: two tunnels on a virtual clock."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest

from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PresharedKey, PrivateKey
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.protocol.device import PEERS_AT_ONCE
from netstart_wg.protocol.forwarding import DropReason, Path
from tests.engine.simulation import SECOND, Host, Simulation

INITIATION, RESPONSE, DATA = 1, 2, 4
MILLISECOND = SECOND // 1000
MINUTE = 60 * SECOND


def pair(**link: float) -> tuple[Simulation, Host, Host]:
    """Two hosts with a preshared key, of which the first has begun a session."""
    simulation = Simulation(**link)  # type: ignore[arg-type]
    a = simulation.host("192.0.2.1", "10.0.0.1")
    b = simulation.host("192.0.2.2", "10.0.0.2")
    preshared_key = PresharedKey(bytes(range(32)))
    a.add_peer(b, preshared_key=preshared_key)
    b.add_peer(a, knows_endpoint=False, preshared_key=preshared_key)
    a.say(b, b"hello")
    simulation.run(SECOND)
    b.say(a, b"hello")
    simulation.run(SECOND)
    return simulation, a, b


def nonces(host: Host) -> list[tuple[bytes, int]]:
    """Of each data message it has sent: whose session, and the counter."""
    data = [sent.message for sent in host.sent if sent.kind == DATA]
    return [(each[4:8], int.from_bytes(each[8:16], "little")) for each in data]


def talk(simulation: Simulation, a: Host, b: Host, *, count: int) -> None:
    """Let each say something to the other every few milliseconds."""
    for number in range(count):
        a.say(b, b"a%d" % number)
        b.say(a, b"b%d" % number)
        simulation.run(5 * MILLISECOND)


@pytest.mark.parametrize("which", ["initiator", "responder"])
def test_after_an_orderly_end_everything_goes_on_without_a_handshake(which: str) -> None:
    simulation, a, b = pair()
    successor = a if which == "initiator" else b
    for _ in range(3):
        talk(simulation, a, b, count=40)
        successor.succeed(in_order=True)
    talk(simulation, a, b, count=40)
    simulation.run(SECOND)
    assert len(a.heard()) == len(b.heard()) == 1 + 4 * 40
    assert a.count(INITIATION) + b.count(INITIATION) == 1
    for host in (a, b):
        assert max(Counter(nonces(host)).values()) == 1
        assert all(later == earlier + 1 for (_, earlier), (_, later) in pairwise(nonces(host)))


def test_what_was_received_before_is_refused_by_the_successor() -> None:
    simulation, a, b = pair()
    talk(simulation, a, b, count=20)
    simulation.run(SECOND)
    data = [sent.message for sent in a.sent if sent.kind == DATA]
    b.succeed(in_order=True)
    before = len(b.heard())
    for message in data:
        b.arrives(message, Path(a.endpoint))
    assert len(b.heard()) == before
    assert b.device.drops[DropReason.REPLAYED] == len(data)


def test_what_comes_late_and_out_of_order_is_taken_once() -> None:
    _, a, b = pair()
    a.is_connected = False
    for number in range(10):
        a.say(b, b"%d" % number)
    late = [sent.message for sent in a.sent if sent.kind == DATA][-10:]
    a.is_connected = True
    b.arrives(late[9], Path(a.endpoint))
    b.arrives(late[4], Path(a.endpoint))
    b.succeed(in_order=True)
    for message in late + late:
        b.arrives(message, Path(a.endpoint))
    assert sorted(b.heard()[1:]) == [b"%d" % number for number in range(10)]


def test_the_session_is_renewed_when_its_time_comes() -> None:
    simulation, a, b = pair()
    simulation.run(MINUTE)
    a.succeed(in_order=True)
    b.succeed(in_order=True)
    simulation.every(SECOND, simulation.clock_ns + 5 * MINUTE, lambda: a.say(b, b"tick"))
    simulation.run(5 * MINUTE)
    assert b.heard().count(b"tick") == 300
    # after 120 seconds each, and nothing in between
    assert 2 <= a.count(INITIATION) - 1 <= 3


def test_counters_and_the_last_handshake_go_on() -> None:
    simulation, a, b = pair()
    talk(simulation, a, b, count=10)
    before = a.device.state()
    a.succeed(in_order=True)
    assert a.device.state() == before


def test_a_handshake_in_the_middle_of_which_it_ended_is_begun_anew_at_once() -> None:
    simulation = Simulation()
    a = simulation.host("192.0.2.1", "10.0.0.1")
    b = simulation.host("192.0.2.2", "10.0.0.2")
    a.add_peer(b)
    b.add_peer(a, knows_endpoint=False)
    a.say(b, b"first")
    simulation.run(30 * MILLISECOND)
    a.succeed(in_order=True)
    simulation.run(100 * MILLISECOND)
    assert b.heard() == [b"first"]


def test_after_a_crash_there_is_a_new_session_at_once_and_both_ways_are_open() -> None:
    simulation, a, b = pair()
    talk(simulation, a, b, count=10)
    old = {session for session, _ in nonces(a)}
    for which in (a, b):
        simulation.run(10 * SECOND)
        which.succeed(in_order=False)
        since_ns = simulation.clock_ns
        simulation.run(100 * MILLISECOND)
        assert which.count(INITIATION, since_ns) == 1
        talk(simulation, a, b, count=10)
    simulation.run(SECOND)
    assert len(a.heard()) == len(b.heard()) == 1 + 3 * 10
    assert max(Counter(nonces(a)).values()) == 1
    assert nonces(a)[-1][0] not in old


def test_who_has_had_no_session_lately_does_not_hear_of_a_crash() -> None:
    simulation, a, _ = pair()
    simulation.run(10 * MINUTE)
    a.succeed(in_order=False)
    since_ns = simulation.clock_ns
    simulation.run(MINUTE)
    assert a.count(INITIATION, since_ns) == 0


def test_an_initiation_from_before_a_crash_is_refused_after_it() -> None:
    simulation, a, b = pair()
    old = next(sent.message for sent in a.sent if sent.kind == INITIATION)
    b.succeed(in_order=False)
    simulation.run(SECOND)
    refused = b.device.drops[DropReason.INVALID_INITIATION]
    b.arrives(old, Path(a.endpoint))
    assert b.device.drops[DropReason.INVALID_INITIATION] == refused + 1


def test_a_clock_that_was_set_back_meanwhile_does_not_make_peers_deaf() -> None:
    simulation, a, b = pair()
    a.clock_error_ns = -10 * MINUTE
    a.succeed(in_order=False)
    simulation.run(SECOND)
    a.say(b, b"after")
    simulation.run(SECOND)
    assert b.heard()[-1] == b"after"


def test_where_a_peer_has_moved_to_is_known_after_a_crash() -> None:
    simulation, a, b = pair()
    simulation.move(a, "198.51.100.7")
    a.say(b, b"from elsewhere")
    simulation.run(SECOND)
    b.succeed(in_order=False)
    simulation.run(SECOND)
    b.say(a, b"found")
    simulation.run(SECOND)
    assert a.heard()[-1] == b"found"


def test_with_many_peers_handshakes_are_begun_a_few_at_a_time() -> None:
    simulation, a, b = pair()
    chance = random.Random(4)
    several = [public_key_of(PrivateKey(chance.randbytes(32))) for _ in range(200)]
    peers = [PeerChange(public_key=key, endpoint=b.endpoint) for key in several]
    a.tunnel.configure(DeviceChange(peers=tuple(peers)), a.now)
    for peer in a.device._peers.values():
        peer.last_handshake_realtime_ns = a.now.realtime_ns
    a.succeed(in_order=False)
    already = a.count(INITIATION)
    a.tunnel.advance(a.now)
    assert a.count(INITIATION) - already == PEERS_AT_ONCE
    simulation.run(SECOND)
    assert a.count(INITIATION) - already == 201
