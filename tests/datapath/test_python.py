"""The reference data path between two ends in memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netstart_wg.datapath.base import Buffer, Datagrams, VirtioNetHeader
from netstart_wg.datapath.offload import GSO_NONE, GSO_TCPV4, GSO_UDP_L4, NEEDS_CSUM, PLAIN
from netstart_wg.datapath.padding import padding_length
from netstart_wg.datapath.python import PythonDataPath
from netstart_wg.datapath.refusals import RETRY_AFTER_NS
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


def use_tun(end: Side, tun: MemoryTun) -> None:
    """Put another TUN under a data path."""
    end.tun = end.path._outbound._tun = end.path._outbound._delivery._tun = tun


def use_udp(end: Side, udp: MemoryUdp) -> None:
    """Put another network under a data path."""
    end.udp = end.path._udp = end.path._outbound._udp = end.path._inbound._udp = udp


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


def test_a_super_packet_at_the_limit_is_sent_as_far_as_nonces_go() -> None:
    a, _ = sides()
    a.keypair.send_counter = 2**64 - 1 - 8128 - 3 - 1
    big = tcp_segment(A, B, bytes(5000), partial_checksum=True)
    a.tun.outgoing.append((VirtioNetHeader(NEEDS_CSUM, GSO_TCPV4, 0, 1000, 20, 16), big))
    report = a.path.outbound(1, NOW)
    assert report.sent[PEER].data_packets == len(a.sent) == 4
    assert [len(packet) for _, packet in report.unsent] == [1040]
    assert not a.keypair.can_send(NOW.boottime_ns)


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


class RefusingTun(MemoryTun):
    """Does not take super-packets of one kind."""

    def __init__(self, gso_type: int) -> None:
        super().__init__()
        self.gso_type = gso_type
        self.refused = 0

    def write(self, header: VirtioNetHeader, parts: Sequence[Buffer]) -> None:
        if header.gso_type == self.gso_type:
            self.refused += 1
            raise OSError(errno.EINVAL, "Invalid argument")
        super().write(header, parts)


def segments(numbers: range) -> list[bytes]:
    return [
        tcp_segment(A, B, bytes([n]) * 100, sequence=n * 100, identification=n) for n in numbers
    ]


def datagrams(numbers: range) -> list[bytes]:
    return [udp_datagram(A, B, bytes([n]) * 100, identification=n) for n in numbers]


def pass_on(packets: Sequence[bytes], a: Side, b: Side, now: Now = NOW) -> list[int]:
    """Move packets from one side to the other's TUN; return how many it got in each write."""
    before = len(b.tun.arrived)
    a.tun.outgoing.extend((PLAIN, packet) for packet in packets)
    a.path.outbound(len(packets) + 1, now)
    deliver(a.sent, b)
    a.sent.clear()
    b.path.inbound(len(packets) + 1, now)
    writes = b.tun.arrived[before:]
    return [len(packet) // header.gso_size if header.gso_size else 1 for header, packet in writes]


def test_a_tun_that_refuses_super_packets_gets_them_singly_for_a_while() -> None:
    a, b = sides()
    refusing = RefusingTun(GSO_TCPV4)
    use_tun(b, refusing)
    assert pass_on(segments(range(3)), a, b) == [1, 1, 1]
    assert pass_on(segments(range(3, 6)), a, b) == [1, 1, 1]
    assert [packet for _, packet in b.tun.arrived] == segments(range(6))
    assert refusing.refused == 1
    assert not refusing.takes_tcp_super_packets

    later = Now(boottime_ns=NOW.boottime_ns + RETRY_AFTER_NS, realtime_ns=0)
    assert pass_on(segments(range(6, 9)), a, b, later) == [1, 1, 1]
    assert refusing.refused == 2
    refusing.gso_type = -1
    even_later = Now(boottime_ns=later.boottime_ns + RETRY_AFTER_NS, realtime_ns=0)
    assert pass_on(segments(range(9, 12)), a, b, even_later) == [3]
    assert refusing.takes_tcp_super_packets


def test_a_tun_that_refuses_one_kind_gets_the_other() -> None:
    a, b = sides()
    use_tun(b, RefusingTun(GSO_UDP_L4))
    assert pass_on(datagrams(range(3)), a, b) == [1, 1, 1]
    assert pass_on(segments(range(3)), a, b) == [3]
    assert pass_on(datagrams(range(3)), a, b) == [1, 1, 1]
    assert not b.tun.takes_udp_super_packets
    assert b.tun.takes_tcp_super_packets


def test_what_the_network_refuses_is_counted() -> None:
    a, _ = sides()
    use_udp(a, MemoryUdp(lambda _message, _path: False))
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
        (1297, 1299, 2),
        (1421, 1420, 15),
        (2840, 1420, 0),
        (2840 + 1415, 1420, 5),
    ],
)
def test_padding_goes_to_sixteen_but_never_beyond_the_mtu(
    length: int, mtu: int, padding: int
) -> None:
    assert padding_length(length, mtu) == padding


@given(length=st.integers(0, 65535), mtu=st.integers(68, 65535))
def test_padding_is_the_least_that_fills_a_unit_of_sixteen_within_the_mtu(
    length: int, mtu: int
) -> None:
    # calculate_skb_padding of the Linux driver, in words: of a packet beyond the MTU
    # only what is left over after whole MTUs counts; that is filled up octet by octet
    # until it is a multiple of sixteen or reaches the MTU
    last = length
    while last > mtu:
        last -= mtu
    if length > mtu and last == mtu:
        last = 0
    padded = last
    while padded % 16 and padded < mtu:
        padded += 1
    assert padding_length(length, mtu) == padded - last


@pytest.mark.parametrize("size", [0, 1, 100, 1251, 1252, 1272, 2000])
def test_messages_are_as_long_as_padding_says(size: int) -> None:
    a, _ = sides(mtu=1300)
    packet = udp_datagram(A, B, bytes(size))
    a.tun.outgoing.append((PLAIN, packet))
    a.path.outbound(1, NOW)
    inner = len(packet) + padding_length(len(packet), 1300)
    assert [len(message) for message in a.sent] == [inner + 32]
    assert inner <= max(1300, len(packet) + 15)


def test_padding_makes_no_packet_longer_than_its_route_has_been_seen_to_take() -> None:
    a, _ = sides(mtu=1420)

    def inner_lengths(*lengths: int) -> list[int]:
        """Send packets of these lengths in one batch; return how long they became."""
        a.sent.clear()
        packets = (udp_datagram(A, B, bytes(length - 28)) for length in lengths)
        a.tun.outgoing.extend((PLAIN, packet) for packet in packets)
        a.path.outbound(10, NOW)
        return [len(message) - 32 for message in a.sent]

    assert inner_lengths(1270) == [1280]  # which every route takes
    assert inner_lengths(1281, 1297) == [1296, 1297]
    assert inner_lengths(1299) == [1299]  # the MTU of the route, it may be
    assert inner_lengths(1297, 1281) == [1299, 1296]
    assert inner_lengths(1405, 1410) == [1408, 1410]

    a.path.mtu = 1300
    assert inner_lengths(1297) == [1297]
    entry = PeerForwarding(peer=PEER, path=PATH_B, sending=a.keypair, receiving=(a.keypair,))
    assert inner_lengths(1299, 1297) == [1299, 1299]
    a.path.install(ForwardingUpdate(peers=(entry,)))
    assert inner_lengths(1297) == [1297]


# -- explicit congestion notification -------------------------------------------------------


ECT_1, ECT_0, CE = 1, 2, 3


class MarkingUdp(MemoryUdp):
    """Datagrams that arrive with codepoints in the outer header."""

    def __init__(self, *codepoints: int) -> None:
        super().__init__(lambda _message, _path: True)
        self._codepoints = iter(codepoints)

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        return [each._replace(ecn=next(self._codepoints)) for each in super().receive(limit)]


class CountingUdp(MemoryUdp):
    """Counts what is sent in one go."""

    def __init__(self, transmit: Callable[[bytes, Path], bool]) -> None:
        super().__init__(transmit)
        self.sends: list[int] = []

    def send_laid(
        self, messages: memoryview, size: int, path: Path, traffic_class: int = 0
    ) -> Collection[int]:
        self.sends.append(-(-len(messages) // size))
        return super().send_laid(messages, size, path, traffic_class)


def test_the_outer_header_carries_the_ecn_bits_and_no_dscp() -> None:
    a, _ = sides()
    a.tun.outgoing.extend(
        (PLAIN, udp_datagram(A, B, b"x", tos=0b101110_00 | ecn)) for ecn in (0, 1, 2, 3, 3)
    )
    a.path.outbound(10, NOW)
    assert a.udp.traffic_classes == [0, 1, 2, 3, 3]


def test_packets_that_differ_in_ecn_do_not_share_a_send_and_stay_in_order() -> None:
    a, b = sides()
    counting = CountingUdp(a.udp._transmit)
    use_udp(a, counting)
    packets = [
        udp_datagram(A, B, b"x", ports=(n, 9), tos=ecn)
        for n, ecn in enumerate((0, 0, ECT_0, ECT_0, 0))
    ]
    a.tun.outgoing.extend((PLAIN, packet) for packet in packets)
    a.path.outbound(10, NOW)
    assert counting.sends == [2, 2, 1]
    assert a.udp.traffic_classes == [0, 0, ECT_0, ECT_0, 0]
    deliver(a.sent, b)
    b.path.inbound(10, NOW)
    assert [packet for _, packet in b.tun.arrived] == packets


def test_all_segments_of_a_super_packet_carry_its_ecn_bits() -> None:
    a, _ = sides()
    plain = udp_datagram(A, B, b"before")
    big = tcp_segment(A, B, bytes(5000), partial_checksum=True, tos=ECT_0)
    header = VirtioNetHeader(NEEDS_CSUM, GSO_TCPV4, 0, 1000, 20, 16)
    a.tun.outgoing.extend([(PLAIN, plain), (header, big)])
    a.path.outbound(10, NOW)
    assert a.udp.traffic_classes == [0, *[ECT_0] * 5]


def test_packets_that_waited_carry_theirs_and_a_keepalive_none() -> None:
    a, _ = sides()
    packets = [udp_datagram(A, B, b"x", tos=tos) for tos in (ECT_0, 0, 0xB8 | ECT_1)]
    a.path.send_packets(PEER, [*packets, b""], NOW)
    assert a.udp.traffic_classes == [ECT_0, 0, ECT_1, 0]


def test_keepalives_among_packets_are_told_apart() -> None:
    a, b = sides()
    packets = [b"", b"", udp_datagram(A, B, b"x"), b"", udp_datagram(A, B, bytes(40)), b""]
    sent = a.path.send_packets(PEER, packets, NOW).sent[PEER]
    assert (sent.keepalives, sent.data_packets, sent.bytes) == (4, 2, sum(map(len, a.sent)))
    deliver(a.sent, b)
    received = b.path.inbound(10, NOW).received[PEER]
    assert (received.keepalives, received.data_packets, received.bytes) == (4, 2, sent.bytes)


@pytest.mark.parametrize(("length", "sends"), [(96, [64, 64, 22]), (1420, [44, 44, 44, 18])])
def test_more_than_one_send_takes_are_sent_in_several(length: int, sends: list[int]) -> None:
    a, _ = sides()
    counting = CountingUdp(a.udp._transmit)
    use_udp(a, counting)
    packets = [udp_datagram(A, B, bytes(length - 28), ports=(n + 1, 9)) for n in range(150)]
    a.path.send_packets(PEER, packets, NOW)
    assert counting.sends == sends


def test_handshake_messages_are_marked_af41() -> None:
    a, _ = sides()
    # RFC 2597 §6: AF41 is the DSCP 100010
    assert a.path.send_message(bytes(148), PATH_B)
    assert a.udp.traffic_classes == [0b100010_00]


def test_congestion_under_the_tunnel_is_told_the_inner_packet() -> None:
    a, b = sides()
    use_udp(b, MarkingUdp(CE))
    pass_on([udp_datagram(A, B, b"x", tos=0xB8 | ECT_0)], a, b)
    assert [packet for _, packet in b.tun.arrived] == [udp_datagram(A, B, b"x", tos=0xB8 | CE)]


def test_congestion_of_a_flow_that_could_not_hear_it_is_a_loss() -> None:
    a, b = sides()
    use_udp(b, MarkingUdp(CE))
    a.tun.outgoing.append((PLAIN, udp_datagram(A, B, b"x")))
    a.path.outbound(10, NOW)
    deliver(a.sent, b)
    report = b.path.inbound(10, NOW)
    assert report.drops == {DropReason.ILLEGAL_ECN: 1}
    assert report.received[PEER].data_packets == 1
    assert b.tun.arrived == []


def test_a_keepalive_takes_no_harm_from_congestion() -> None:
    a, b = sides()
    use_udp(b, MarkingUdp(CE))
    a.path.send_packets(PEER, [b""], NOW)
    deliver(a.sent, b)
    report = b.path.inbound(10, NOW)
    assert report.received[PEER].keepalives == 1
    assert sum(report.drops.values()) == 0


def test_only_packets_that_agree_in_ecn_are_joined() -> None:
    a, b = sides()
    use_udp(b, MarkingUdp(ECT_0, ECT_0, CE, CE, CE, 0))
    stream = [
        tcp_segment(A, B, bytes(100), sequence=n * 100, identification=n, tos=ECT_0)
        for n in range(6)
    ]
    a.tun.outgoing.extend((PLAIN, segment) for segment in stream)
    a.path.outbound(10, NOW)
    deliver(a.sent, b)
    b.path.inbound(10, NOW)
    assert [(packet[1], header.gso_size) for header, packet in b.tun.arrived] == [
        (ECT_0, 100),
        (CE, 100),
        (ECT_0, 0),
    ]


# -- packets that nobody takes --------------------------------------------------------------


def test_the_sender_of_a_packet_for_nobody_is_told() -> None:
    a, _ = sides()
    packet = udp_datagram(A, "10.0.0.77", b"hello?")
    a.tun.outgoing.append((PLAIN, packet))
    report = a.path.outbound(10, NOW)
    assert report.drops == {DropReason.NO_PEER: 1}
    ((header, message),) = a.tun.arrived
    assert header == PLAIN
    assert message[20:22] == b"\3\1"
    assert message[28:] == packet
    assert a.sent == []


@pytest.mark.parametrize("size", [10, 5000])
def test_the_sender_to_a_peer_without_endpoint_is_told_once(size: int) -> None:
    a, _ = sides()
    a.path.install(
        ForwardingUpdate(
            peers=(PeerForwarding(peer=PEER, path=None, sending=a.keypair, receiving=()),)
        )
    )
    header = VirtioNetHeader(NEEDS_CSUM, GSO_TCPV4, 0, 1000, 20, 16) if size > 1000 else PLAIN
    a.tun.outgoing.append((header, tcp_segment(A, B, bytes(size), partial_checksum=True)))
    report = a.path.outbound(10, NOW)
    assert report.drops == {DropReason.NO_ENDPOINT: 1}
    assert len(a.tun.arrived) == 1
    assert a.sent == []


def test_a_message_that_the_tun_does_not_take_is_counted() -> None:
    a, _ = sides()
    use_tun(a, RefusingTun(GSO_NONE))
    a.tun.outgoing.append((PLAIN, udp_datagram(A, "10.0.0.77", b"")))
    report = a.path.outbound(10, NOW)
    assert report.drops == {DropReason.NO_PEER: 1, DropReason.TUN_FAILED: 1}


def test_our_own_message_routed_back_to_us_is_not_answered() -> None:
    a, _ = sides()
    allowed_ips: AllowedIps[PeerId] = AllowedIps()
    allowed_ips.insert(ip_network("0.0.0.0/0"), PEER)
    a.path.install(ForwardingUpdate(allowed_ips=allowed_ips))
    a.tun.outgoing.append((PLAIN, udp_datagram(A, "192.0.2.2", b"", ports=(9, 2))))
    assert a.path.outbound(10, NOW).drops == {DropReason.ROUTING_LOOP: 1}
    assert a.tun.arrived == []


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
