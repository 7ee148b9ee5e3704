"""The reference data path between two ends in memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.datapath.offload import GSO_NONE, GSO_TCPV4, NEEDS_CSUM, PLAIN
from netstart_wg.datapath.python import PythonDataPath, padding_length
from netstart_wg.model.address import Endpoint
from netstart_wg.model.now import Now
from netstart_wg.protocol.allowedips import AllowedIps
from netstart_wg.protocol.forwarding import (
    DropReason,
    ForwardingUpdate,
    Path,
    PeerForwarding,
    PeerId,
)
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.noise import SessionKeys
from tests.datapath.packets import tcp_segment, udp_datagram
from tests.engine.simulation import MemoryTun, MemoryUdp

SECOND = 1_000_000_000
NOW = Now(boottime_ns=SECOND, realtime_ns=0)
PEER = PeerId(0)
A, B = "10.0.0.1", "10.0.0.2"
PATH_A = Path(Endpoint(IPv4Address("192.0.2.1"), 1))
PATH_B = Path(Endpoint(IPv4Address("192.0.2.2"), 2))


@dataclass
class Side:
    path: PythonDataPath
    tun: MemoryTun
    udp: MemoryUdp
    sent: list[bytes]
    keypair: Keypair


def side(inner_of_peer: str, to: Path, keys: SessionKeys, mtu: int = 1420) -> Side:
    sent: list[bytes] = []

    def transmit(message: bytes, path: Path) -> bool:
        assert path == to
        sent.append(message)
        return True

    tun, udp = MemoryTun(), MemoryUdp(transmit)
    keypair = Keypair.of(keys, local_index=7, remote_index=7, is_initiator=True, created_ns=0)
    allowed_ips: AllowedIps[PeerId] = AllowedIps()
    allowed_ips.insert(ip_network(inner_of_peer), PEER)
    path = PythonDataPath(tun, udp, mtu)
    entry = PeerForwarding(peer=PEER, path=to, sending=keypair, receiving=(keypair,))
    path.install(ForwardingUpdate(allowed_ips=allowed_ips, peers=(entry,)))
    return Side(path, tun, udp, sent, keypair)


def sides(mtu: int = 1420) -> tuple[Side, Side]:
    one, other = os.urandom(32), os.urandom(32)
    a = side(B, PATH_B, SessionKeys(sending=one, receiving=other), mtu)
    b = side(A, PATH_A, SessionKeys(sending=other, receiving=one), mtu)
    return a, b


def deliver(messages: Sequence[bytes], to: Side) -> None:
    to.udp.inbox.extend((message, PATH_A) for message in messages)


def test_packets_come_out_as_they_went_in_and_in_order() -> None:
    a, b = sides()
    packets = [udp_datagram(A, B, os.urandom(size), ports=(size, 9)) for size in range(1, 60)]
    a.tun.outgoing.extend((PLAIN, packet) for packet in packets)
    out = a.path.outbound(100, NOW)
    deliver(a.sent, b)
    back = b.path.inbound(100, NOW)
    assert [packet for _, packet in b.tun.arrived] == packets
    assert out.sent[PEER].data_packets == back.received[PEER].data_packets == 59
    assert out.sent[PEER].bytes == back.received[PEER].bytes == sum(map(len, a.sent))
    assert back.received[PEER].path == PATH_A
    assert out.is_exhausted
    assert back.is_exhausted


def test_a_small_packet_does_not_overtake_nor_fall_behind_a_super_packet() -> None:
    a, b = sides()
    big = tcp_segment(A, B, os.urandom(5000), partial_checksum=True)
    header = VirtioNetHeader(NEEDS_CSUM, GSO_TCPV4, 0, 1000, 20, 16)
    small = [udp_datagram(A, B, b"x", ports=(port, 9)) for port in (1, 2)]
    a.tun.outgoing.extend([(PLAIN, small[0]), (header, big), (PLAIN, small[1])])
    a.path.outbound(10, NOW)
    deliver(a.sent, b)
    b.path.inbound(10, NOW)
    assert [packet for _, packet in b.tun.arrived] == [small[0], big, small[1]]
    assert b.tun.arrived[1][0].gso_size == 1000


def test_a_budget_is_kept_and_the_rest_waits() -> None:
    a, _ = sides()
    a.tun.outgoing.extend((PLAIN, udp_datagram(A, B, b"x")) for _ in range(5))
    report = a.path.outbound(3, NOW)
    assert len(a.sent) == 3
    assert not report.is_exhausted


def test_packets_without_a_session_are_handed_up_whole() -> None:
    a, _ = sides()
    a.path.install(
        ForwardingUpdate(
            peers=(PeerForwarding(peer=PEER, path=PATH_B, sending=None, receiving=()),)
        )
    )
    packet = udp_datagram(A, B, b"waits")
    a.tun.outgoing.append((PLAIN, packet))
    report = a.path.outbound(10, NOW)
    assert report.unsent == [(PEER, packet)]
    assert a.sent == []


def test_no_nonce_is_ever_used_twice_at_the_limit() -> None:
    a, _ = sides()
    a.keypair.send_counter = 2**64 - 1 - 8128 - 1
    packets = [udp_datagram(A, B, bytes([n])) for n in range(2)]
    a.tun.outgoing.append((PLAIN, packets[0]))
    assert a.path.outbound(1, NOW).sent[PEER].data_packets == 1
    a.tun.outgoing.append((PLAIN, packets[1]))
    assert a.path.outbound(1, NOW).unsent == [(PEER, packets[1])]


@pytest.mark.parametrize("counter", [2**32 - 1, 2**32, 2**60, 2**63])
def test_counters_are_64_bits_on_the_wire(counter: int) -> None:
    a, b = sides()
    a.keypair.send_counter = counter
    a.tun.outgoing.extend((PLAIN, udp_datagram(A, B, b"x", ports=(n, 1))) for n in (1, 2))
    a.path.outbound(10, NOW)
    assert [int.from_bytes(m[8:16], "little") for m in a.sent] == [counter, counter + 1]
    deliver(a.sent, b)
    assert b.path.inbound(10, NOW).received[PEER].data_packets == 2


def test_a_replayed_packet_is_dropped_and_counted() -> None:
    a, b = sides()
    a.tun.outgoing.append((PLAIN, udp_datagram(A, B, b"once")))
    a.path.outbound(10, NOW)
    deliver(a.sent * 3, b)
    report = b.path.inbound(10, NOW)
    assert report.drops[DropReason.REPLAYED] == 2
    assert len(b.tun.arrived) == 1


def test_a_forged_counter_does_not_move_the_replay_window() -> None:
    a, b = sides()
    a.tun.outgoing.append((PLAIN, udp_datagram(A, B, b"real")))
    a.path.outbound(10, NOW)
    forged = a.sent[0][:8] + (2**63).to_bytes(8, "little") + a.sent[0][16:]
    deliver([forged, a.sent[0]], b)
    report = b.path.inbound(10, NOW)
    assert report.drops[DropReason.NOT_AUTHENTIC] == 1
    assert report.received[PEER].data_packets == 1


def test_out_of_order_packets_all_arrive() -> None:
    a, b = sides()
    a.tun.outgoing.extend((PLAIN, udp_datagram(A, B, b"x", ports=(n, 1))) for n in range(1, 21))
    a.path.outbound(100, NOW)
    deliver(a.sent[10:] + a.sent[:10], b)
    assert b.path.inbound(100, NOW).received[PEER].data_packets == 20


def test_a_tun_that_refuses_super_packets_gets_them_singly_from_then_on() -> None:
    class Refusing(MemoryTun):
        refused = 0

        def write(self, header: VirtioNetHeader, parts: Sequence[Buffer]) -> None:
            if header.gso_type != GSO_NONE:
                self.refused += 1
                raise OSError(errno.EINVAL, "Invalid argument")
            super().write(header, parts)

    a, b = sides()
    b.path._tun = b.tun = Refusing()
    segments = [
        tcp_segment(A, B, bytes([n]) * 100, sequence=n * 100, identification=n) for n in range(6)
    ]
    a.tun.outgoing.extend((PLAIN, segment) for segment in segments)
    a.path.outbound(10, NOW)
    deliver(a.sent[:3], b)
    b.path.inbound(10, NOW)
    deliver(a.sent[3:], b)
    b.path.inbound(10, NOW)
    assert [packet for _, packet in b.tun.arrived] == segments
    assert b.tun.refused == 1


def test_what_the_network_refuses_is_counted() -> None:
    a, _ = sides()
    a.path._udp = MemoryUdp(lambda _message, _path: False)
    a.tun.outgoing.append((PLAIN, udp_datagram(A, B, b"x")))
    report = a.path.outbound(10, NOW)
    assert report.drops == {DropReason.SEND_FAILED: 1}
    assert report.sent == {}


@pytest.mark.parametrize(
    ("length", "mtu", "padding"),
    [
        (0, 1420, 0),
        (1, 1420, 15),
        (16, 1420, 0),
        (1408, 1420, 0),
        (1409, 1420, 11),
        (1420, 1420, 0),
        (1300, 1300, 0),
        (1299, 1300, 1),
        (1421, 1420, 15),
    ],
)
def test_padding_goes_to_sixteen_but_never_beyond_the_mtu(
    length: int, mtu: int, padding: int
) -> None:
    assert padding_length(length, mtu) == padding


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_whatever_arrives_from_the_network_raises_nothing(messages: list[bytes]) -> None:
    _, b = sides()
    deliver(messages, b)
    report = b.path.inbound(10, NOW)
    counted = sum(report.drops.values()) + len(report.messages)
    assert counted == sum(1 for message in messages if message)
    assert b.tun.arrived == []


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_whatever_comes_from_the_tun_raises_nothing(packets: list[bytes]) -> None:
    a, _ = sides()
    a.tun.outgoing.extend((PLAIN, packet) for packet in packets)
    report = a.path.outbound(10, NOW)
    assert sum(report.drops.values()) + len(a.sent) == len(packets)


@given(st.binary(max_size=80))
def test_whatever_a_peer_seals_raises_nothing(plaintext: bytes) -> None:
    a, b = sides()
    a.path.send_packets(PEER, [plaintext], NOW)
    deliver(a.sent, b)
    report = b.path.inbound(10, NOW)
    assert sum(report.drops.values()) + len(b.tun.arrived) + report.received[PEER].keepalives == 1


def test_an_empty_datagram_is_dropped() -> None:
    _, b = sides()
    deliver([b""], b)
    assert b.path.inbound(10, NOW).drops == {}
