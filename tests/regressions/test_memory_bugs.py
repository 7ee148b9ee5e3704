"""Bugs of memory that other engines have had: what a flood leaves behind, what is never removed.

The whole of a tunnel on a virtual clock, pelted; what Python has allocated is
asked before and after, and must not have grown with the flood.  The flood of a
real engine, with its resident memory, is tests/netns/test_flood.py.
"""

from __future__ import annotations

import gc
import random
import select
import socket
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import count, islice

import pytest

from netstart_wg.datapath.python import PythonDataPath
from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.udp import UdpSockets
from netstart_wg.model.address import Endpoint, IPNetwork
from netstart_wg.model.change import PeerChange
from netstart_wg.model.keys import PrivateKey
from netstart_wg.model.offload import Offload
from netstart_wg.protocol.allowedips import AllowedIps
from netstart_wg.protocol.cookie import CookieMaker
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.protocol.forwarding import DropReason, Path
from netstart_wg.protocol.messages import CookieReply
from netstart_wg.protocol.ratelimiter import IDLE_AFTER_NS, SOURCES_MAX, RateLimiter
from tests.engine.simulation import SECOND, Host
from tests.engine.test_tunnel import DATA, INITIATION, RESPONSE, drops, pair
from tests.regressions.test_socket_bugs import joined

KIBIBYTE = 1024
RANDOM = random.Random(2005)  # it only has to be the same each time
MINUTE = 60 * SECOND


# -- floods -----------------------------------------------------------------------------------


class Victim:
    """A host that has a session with a friend, and what a flood sends to it."""

    def __init__(self) -> None:
        self.simulation, self.friend, self.host = pair()
        self.friend.say(self.host, b"hello")
        self.simulation.run(SECOND)
        self.initiation = self.friend.sent[0].message
        self.data = next(each.message for each in self.friend.sent if each.kind == DATA)
        self.friend.is_connected = False
        (entry,) = self.host.device._by_number.values()
        assert entry._keypairs.current is not None
        self.index = entry._keypairs.current.local_index.to_bytes(4, "little")
        self._stranger = 0

    def suffer(self, messages: Iterator[bytes], count: int) -> int:
        """Take in so many, each from somebody else; return how much memory that has cost, octets.

        What the simulation remembers does not count.
        """
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for message in islice(messages, count):
            self._stranger += 1
            self.host.arrives(message, _somewhere(self._stranger))
            if self._stranger % 8 == 0:
                self.simulation.run(SECOND // 500)
            self.host.sent.clear()
            self.host.tun.arrived.clear()
            self.host.udp.traffic_classes.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before


def _somewhere(number: int) -> Path:
    """Return where a message came from, each time from elsewhere, in either family."""
    if number % 2:
        return Path(Endpoint(IPv4Address(0x0A000000 + number), 1024 + number % 60000))
    return Path(Endpoint(IPv6Address((0x20010DB8 << 96) + (number << 64) + 1), 1 + number % 60000))


def garbage(_: Victim) -> Iterator[bytes]:
    """Anything, of every type and of every length."""
    while True:
        yield bytes([RANDOM.randrange(6), 0, 0, 0]) + RANDOM.randbytes(RANDOM.randrange(200))


def right_in_type_and_length(_: Victim) -> Iterator[bytes]:
    while True:
        for kind, length in ((1, 148), (2, 92), (3, 64), (4, 32), (4, 200)):
            yield bytes([kind, 0, 0, 0]) + RANDOM.randbytes(length - 4)


def with_mac1(victim: Victim) -> Iterator[bytes]:
    """Handshakes of strangers who know our public key: enough to get a cookie, under load."""
    macs = CookieMaker(victim.host.public_key)
    while True:
        for kind, length in ((1, 116), (2, 60)):
            yield macs.add_macs(bytes([kind, 0, 0, 0]) + RANDOM.randbytes(length - 4), 0)


def replays(victim: Victim) -> Iterator[bytes]:
    while True:
        yield victim.initiation
        yield victim.data


def forged_data(victim: Victim) -> Iterator[bytes]:
    """For an index that there is, under any counter, each of its own length."""
    while True:
        for length in range(32, 1500):
            counter = RANDOM.randbytes(8)
            yield b"\4\0\0\0" + victim.index + counter + bytes(length - 16)


def forged_cookies(victim: Victim) -> Iterator[bytes]:
    index = int.from_bytes(victim.index, "little")
    while True:
        yield CookieReply(
            receiver_index=index,
            nonce=RANDOM.randbytes(24),
            encrypted_cookie=RANDOM.randbytes(32),
        ).encode()


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start(1)
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "flood",
    [garbage, right_in_type_and_length, with_mac1, replays, forged_data, forged_cookies],
    ids=lambda flood: flood.__name__.replace("_", " "),
)
def test_a_flood_leaves_nothing_in_memory(flood: Callable[[Victim], Iterator[bytes]]) -> None:
    """Seen in wireguard-go PR #69, tailscale #7272, amneziawg-go #69: memory grew with it."""
    with traced():
        victim = Victim()
        messages = flood(victim)
        victim.suffer(messages, 1000)  # what is kept for a while has come to its bound
        assert victim.suffer(messages, 2000) < 64 * KIBIBYTE
    assert sum(victim.host.device.drops.values()) >= 3000
    victim.friend.is_connected = True
    victim.simulation.run(10 * SECOND)
    victim.friend.say(victim.host, b"still there?")
    victim.simulation.run(10 * SECOND)
    assert victim.host.heard()[-1] == b"still there?"


def test_packets_for_a_peer_that_never_answers_do_not_pile_up() -> None:
    """Seen in wireguard-go PR #69: what waits for a session is bounded."""
    with traced():
        simulation, a, b = pair()
        b.is_connected = False

        def program_sends(count: int) -> int:
            before, _ = tracemalloc.get_traced_memory()
            for number in range(count):
                a.say(b, bytes(1300))
                if number % 100 == 0:
                    simulation.run(SECOND // 10)
                a.sent.clear()
                a.tun.arrived.clear()
            return tracemalloc.get_traced_memory()[0] - before

        assert program_sends(500) < 1000 * KIBIBYTE
        assert program_sends(1000) < 128 * KIBIBYTE
    assert drops(a, DropReason.NO_SESSION) == 1500 - 128


def test_what_is_remembered_of_senders_is_bounded() -> None:
    """Seen in tailscale #7272: each address that a datagram came from was kept."""
    with (
        closing(UdpSockets(BoundSockets.bind(0, 0), without=[Offload.UDP_GRO])) as sockets,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        for number in range(9000):
            source = IPv4Address(0x7F000100 + number)
            information = struct.pack("=i4s4s", 0, source.packed, bytes(4))
            ancillary = [(socket.IPPROTO_IP, 8, information)]  # IP_PKTINFO
            stranger.sendmsg([b"x"], ancillary, 0, ("127.0.0.1", sockets.port))
            assert select.select(sockets.descriptors, [], [], 5)[0]
            (received,) = sockets.receive()
            assert received.path.endpoint.address == source
            sockets.send(b"y", received.path)
        assert max(len(each._origins) for each in sockets._receivers) <= 4096
        assert len(sockets._routes) <= 4096


def test_the_lengths_that_a_flood_chooses_are_not_all_remembered() -> None:
    """Seen in tailscale #7272: memory grew; here it would be views of buffers, by their length."""
    with (
        joined("127.0.0.1") as (_, b),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        traced(),
    ):
        stranger.connect(("127.0.0.1", b.sockets.port))

        def flood(sizes: range) -> int:
            before, _ = tracemalloc.get_traced_memory()
            for size in sizes:
                segment = (socket.IPPROTO_UDP, 103, struct.pack("=H", size))  # UDP_SEGMENT
                stranger.sendmsg([b"\4" * (5 * size)], [segment])
                assert b.serve(5)
                for _ in range(5):
                    stranger.send(b"\4" * size)
                assert b.serve(5)
            for each in b.sockets._receivers:
                each._origins.clear()  # which have a bound of their own
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - before

        flood(range(32, 300))
        assert flood(range(300, 1400)) < 128 * KIBIBYTE


def test_sources_under_load_are_counted_up_to_a_bound_and_then_forgotten() -> None:
    """Seen in amneziawg-go #69: the table of those who had shaken hands grew without end."""
    limiter = RateLimiter()
    allowed = sum(
        limiter.allow(IPv4Address(number), SECOND + number) for number in range(SOURCES_MAX + 5000)
    )
    assert allowed == len(limiter._buckets) == SOURCES_MAX
    quiet_ns = 2 * SECOND + 2 * IDLE_AFTER_NS
    late = (quiet_ns + n * SECOND for n in range(SOURCES_MAX))
    assert all(limiter.allow(IPv4Address("192.0.2.1"), moment) for moment in late)
    assert len(limiter._buckets) == 1


# -- what is never removed ----------------------------------------------------------------------

INDICES_AT_MOST = 4
"""Of one peer: three keypairs and a handshake (paper §5.4, §6.3)."""


def indices(host: Host) -> int:
    """How many receiver indices a host has given out; the data path must not have more."""
    given = len(host.device._around.indices)
    datapath = host.tunnel.datapath
    assert isinstance(datapath, PythonDataPath)
    assert len(datapath._table.by_index) <= min(given, 3)
    return given


def test_ten_thousand_handshakes_that_nobody_answers_leave_no_index_behind() -> None:
    """Seen in several: the index of an initiation was given back only when it was answered."""
    simulation, a, b = pair()
    b.is_connected = False
    most = 0
    while a.count(INITIATION) < 500:
        a.say(b, b"anybody?")
        simulation.run(2 * MINUTE)
        most = max(most, indices(a))
    begun = a.count(INITIATION)
    for _ in range(10_000 - begun):  # more quickly than time alone would have it
        a.tunnel.bring_down(a.now)
        a.tunnel.bring_up(a.now)
        a.say(b, b"anybody?")
        most = max(most, indices(a))
        a.tun.arrived.clear()
    assert a.count(INITIATION) == 10_000
    assert most == 1
    simulation.run(15 * MINUTE)
    assert indices(a) == 0


@pytest.mark.parametrize("answered", ["completed", "abandoned"])
def test_a_thousand_handshakes_leave_no_index_behind(answered: str) -> None:
    """Seen in several: those of sessions that had been renewed stayed in the table.

    And on the other end those of responses that never arrived.
    """
    simulation, a, b = pair()
    b.is_connected = True
    a.is_suspended = answered == "abandoned"  # then no response gets to it
    most = 0
    for _ in range(1000):
        a.tunnel.bring_down(a.now)
        a.tunnel.bring_up(a.now)
        a.say(b, b"x")
        simulation.run(SECOND // 10)
        most = max(most, indices(a), indices(b))
        assert len(a.device._schedule._entries) + len(b.device._schedule._entries) < 200
    assert b.count(RESPONSE) == 1000
    assert most <= INDICES_AT_MOST
    a.is_suspended = False
    simulation.run(15 * MINUTE)
    assert (indices(a), indices(b)) == (0, 0)


NETWORKS: tuple[IPNetwork, ...] = tuple(
    each
    for number in range(100)
    for each in (
        IPv4Network((0x0A000000 + number, 32)),
        IPv4Network((0x0B000000 + (number << 8), 24)),
        IPv4Network((0, number % 33)),
        IPv6Network(((0xFD << 120) + number, 128)),
        IPv6Network((0, number)),
    )
)
"""Of every length; some are there several times."""


def test_allowed_ips_that_come_and_go_leave_nothing_behind() -> None:
    """Seen in tailscale's fork: a removed network left its node in the trie."""
    table: AllowedIps[int] = AllowedIps()
    lasting = ip_network("192.0.2.0/24")
    table.insert(lasting, 0)
    owners = count(1)

    def come_and_go(rounds: int) -> None:
        for number in range(rounds):
            owner, other = next(owners), next(owners)
            for network in NETWORKS:
                table.insert(network, owner)
            for network in NETWORKS[::10]:  # somebody else's from then on
                table.insert(network, other)
            if number % 2:
                table.remove_owner(owner)
            else:
                for network in NETWORKS:
                    table.remove(network, owner)
            table.remove_owner(other)

    with traced():
        come_and_go(4)
        before, _ = tracemalloc.get_traced_memory()
        come_and_go(20)
        assert tracemalloc.get_traced_memory()[0] - before < 64 * KIBIBYTE
    come_and_go(100)  # with those above 100,000 additions and removals
    assert [table.of(owner) for owner in range(next(owners))] == [(lasting,), *[()] * 2 * 124]
    assert table.lookup(IPv4Address("192.0.2.9").packed) == 0
    assert {table.lookup(each.broadcast_address.packed) for each in NETWORKS} == {None}
    # and no look-up asks for more than there is
    assert [len(table._v4), len(table._v6), len(table._whole)] == [1, 0, 0]


def test_peers_that_come_and_go_leave_nothing_behind() -> None:
    """Seen in tailscale's fork, and in several that kept a removed peer's index."""
    with traced():
        simulation, a, b = pair()
        a.say(b, b"hello")
        simulation.run(SECOND)

        def come_and_go(count: int) -> int:
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(count):
                key = public_key_of(PrivateKey(RANDOM.randbytes(32)))
                a.configure(
                    PeerChange(
                        public_key=key,
                        add_allowed_ips=NETWORKS[:5],
                        endpoint=Endpoint(IPv4Address("192.0.2.99"), 9),
                        persistent_keepalive=25,
                    )
                )
                a.configure(PeerChange(public_key=key, remove=True))
                a.sent.clear()
                a.udp.traffic_classes.clear()
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - before

        come_and_go(100)
        assert come_and_go(1000) < 128 * KIBIBYTE
    datapath = a.tunnel.datapath
    assert isinstance(datapath, PythonDataPath)
    assert len(datapath._table.peers) == len(a.device._by_number) == 1
    assert indices(a) == 1
    for network in NETWORKS[:5]:
        assert datapath._table.allowed_ips.lookup(network.network_address.packed) is None
    a.say(b, b"still there?")
    simulation.run(SECOND)
    assert b.heard() == [b"hello", b"still there?"]
