"""Bugs of the inner side that other engines have had: what a TUN refuses, and what is too short.

Two data paths with ends in memory, of which a TUN refuses as a kernel does; and
a TUN of the kernel itself, into which packets are put past its checks.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

import pytest

from netstart_wg.datapath.base import Buffer, Datagrams, VirtioNetHeader
from netstart_wg.datapath.offload import (
    GSO_NONE,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP_L4,
    NEEDS_CSUM,
    PLAIN,
    inner_length,
)
from netstart_wg.datapath.python import PythonDataPath
from netstart_wg.datapath.refusals import RETRY_AFTER_NS
from netstart_wg.engine.tun import Tun
from netstart_wg.engine.tun_device import TunDevice
from netstart_wg.model.now import Now
from netstart_wg.protocol.forwarding import DropReason, TrafficReport
from netstart_wg.protocol.noise import SessionKeys
from tests.datapath.test_python import (
    NOW,
    PATH_A,
    PATH_B,
    SECOND,
    Side,
    datagrams,
    segments,
    side,
    sides,
    use_tun,
    use_udp,
)
from tests.engine.simulation import MemoryTun, MemoryUdp, datagrams_of
from tests.private_namespaces import private_namespaces

# -- what is refused ------------------------------------------------------------------------

FLOWS = pytest.mark.parametrize("flow", [segments, datagrams], ids=["TCP", "UDP"])


class RefusingTun(MemoryTun):
    """Refuses with an error what it does not take."""

    def __init__(self, takes: Callable[[VirtioNetHeader, bytes], bool], error: int) -> None:
        super().__init__()
        self.takes = takes
        self.error = error
        self.refused = 0

    def write(self, header: VirtioNetHeader, parts: Sequence[Buffer]) -> None:
        if not self.takes(header, b"".join(bytes(part) for part in parts)):
            self.refused += 1
            raise OSError(self.error, os.strerror(self.error))
        super().write(header, parts)


def is_single(header: VirtioNetHeader, _: bytes) -> bool:
    return header.gso_type == GSO_NONE


def is_anything(_: VirtioNetHeader, __: bytes) -> bool:
    return True


def refusing(
    takes: Callable[[VirtioNetHeader, bytes], bool], error: int = errno.EINVAL
) -> tuple[Side, Side, RefusingTun]:
    """Two sides, of which the second has a TUN that refuses."""
    a, b = sides()
    tun = RefusingTun(takes, error)
    use_tun(b, tun)
    return a, b, tun


def pass_on(packets: Sequence[bytes], a: Side, b: Side, now: Now = NOW) -> TrafficReport:
    """Move packets from one side to the other in one batch; return what that said of it."""
    a.tun.outgoing.extend((PLAIN, packet) for packet in packets)
    a.path.outbound(len(packets) + 1, now)
    b.udp.inbox.extend((message, PATH_A) for message in a.sent)
    a.sent.clear()
    return b.path.inbound(len(packets) + 1, now)


def later(seconds: int) -> Now:
    """So long after RETRY_AFTER_NS have gone by."""
    return NOW._replace(boottime_ns=NOW.boottime_ns + RETRY_AFTER_NS + seconds * SECOND)


def arrived(tun: MemoryTun) -> list[bytes]:
    return [packet for _, packet in tun.arrived]


@FLOWS
@pytest.mark.parametrize("count", [2, 5, 64, 100])
def test_super_packets_that_the_tun_calls_invalid_arrive_one_by_one_and_in_order(
    flow: Callable[[range], list[bytes]], count: int
) -> None:
    """Seen in tailscale #13041: kernels from 6.6.44 on said so, and what was joined was lost."""
    a, b, tun = refusing(is_single)
    for first in (0, count):
        report = pass_on(flow(range(first, first + count)), a, b)
        assert not report.drops
    assert arrived(tun) == flow(range(2 * count))
    assert tun.refused == 1  # from then on none is tried for a while


@FLOWS
def test_super_packets_are_tried_again_after_a_while(
    flow: Callable[[range], list[bytes]],
) -> None:
    """Seen in tailscale #13041: what is given up for good stays slow with a better kernel."""
    a, b, tun = refusing(is_single)
    pass_on(flow(range(5)), a, b)
    pass_on(flow(range(5, 10)), a, b, later(-1))
    assert tun.refused == 1
    pass_on(flow(range(10, 15)), a, b, later(0))
    assert tun.refused == 2
    assert arrived(tun) == flow(range(15))
    tun.takes = is_anything
    pass_on(flow(range(15, 20)), a, b, later(15))
    assert len(tun.arrived) == 15 + 1


@FLOWS
def test_what_the_tun_refuses_even_singly_is_dropped_and_takes_nothing_with_it(
    flow: Callable[[range], list[bytes]],
) -> None:
    """Seen in tailscale #13041, where the mending must not go round for ever."""
    packets = flow(range(20))
    a, b, tun = refusing(lambda header, packet: is_single(header, packet) and packet != packets[7])
    assert pass_on(packets, a, b).drops == {DropReason.TUN_FAILED: 1}
    assert arrived(tun) == packets[:7] + packets[8:]
    assert tun.refused == 2
    tun.takes = lambda _, __: False
    assert pass_on(flow(range(20, 40)), a, b).drops == {DropReason.TUN_FAILED: 20}
    assert tun.refused == 22
    tun.takes = is_anything
    assert not pass_on(flow(range(40, 60)), a, b).drops
    assert arrived(tun)[-20:] == flow(range(40, 60))


@FLOWS
@pytest.mark.parametrize("error", [errno.ENOBUFS, errno.EIO, errno.ENOMEM], ids=os.strerror)
def test_a_tun_without_room_costs_what_was_written_and_no_more(
    flow: Callable[[range], list[bytes]], error: int
) -> None:
    """Seen in tailscale #13041: only one error says that joined packets are not understood."""
    a, b, tun = refusing(lambda _, __: False, error)
    assert pass_on(flow(range(20)), a, b).drops == {DropReason.TUN_FAILED: 20}
    assert tun.refused == 1
    tun.takes = is_anything
    assert not pass_on(flow(range(20, 40)), a, b).drops
    assert len(tun.arrived) == 1


# -- what is too short ------------------------------------------------------------------------

FIRST_OCTETS = [version << 4 | words for version in range(16) for words in (0, 4, 5, 6, 15)]
"""Every version, with header lengths that are too short, right, and beyond the end."""
SHORT = [
    (bytes([first, *range(1, 9), protocol]) + bytes(30))[:length]
    for length, first, protocol in product(range(40), FIRST_OCTETS, (socket.IPPROTO_UDP, 1))
]
"""All that is shorter than a header of IPv6."""
HEADERS = [
    PLAIN,
    VirtioNetHeader(NEEDS_CSUM, GSO_NONE, 0, 0, 65535, 16),
    *(
        VirtioNetHeader(NEEDS_CSUM, gso_type, 20, 8, start, 16)
        for gso_type in (GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4)
        for start in (0, 20, 65535)
    ),
]


def lone_side(inner_of_peer: str) -> Side:
    return side(inner_of_peer, PATH_B, SessionKeys(sending=os.urandom(32), receiving=bytes(32)))


@pytest.mark.parametrize("header", HEADERS, ids=str)
@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_what_is_shorter_than_its_header_is_read_from_the_tun_and_raises_nothing(
    header: VirtioNetHeader, network: str
) -> None:
    """Seen in BSD's wg_output (DragonFly, DF-0316): four octets read before the length was known.

    Its destination may be a peer's, or nobody's, which its sender is told.
    """
    a = lone_side(network)
    drops: Counter[DropReason] = Counter()
    for number, packet in enumerate(SHORT):
        a.tun.outgoing.append((header, packet))
        # so slowly that every sender who may be told is told
        moment = NOW._replace(boottime_ns=NOW.boottime_ns + number * SECOND // 100)
        sent = len(a.sent)
        report = a.path.outbound(2, moment)
        assert sum(report.drops.values()) == (len(a.sent) == sent)
        drops.update(report.drops)
    routable = sum(len(packet) >= 20 and packet[0] >> 4 == 4 for packet in SHORT)
    assert drops[DropReason.NOT_IP] >= len(SHORT) - routable
    if network == "::/0":
        assert (drops[DropReason.NO_PEER], a.sent) == (routable, [])
    for message in arrived(a.tun):
        assert inner_length(message) == len(message)


@pytest.mark.parametrize("at_once", [40, 1], ids=["joined", "singly"])
def test_what_is_shorter_than_its_header_comes_out_of_a_tunnel_and_raises_nothing(
    at_once: int,
) -> None:
    """Seen in BSD's wg_output (DragonFly, DF-0316); the same from the other side."""
    b = side("0.0.0.0/0", PATH_A, SessionKeys(sending=bytes(32), receiving=bytes(32)))
    drops: Counter[DropReason] = Counter()
    keepalives = 0
    for first in range(0, len(SHORT), at_once):  # those of one length follow each other
        messages = [
            struct.pack("<IIQ", 4, 7, counter)
            + b.keypair.receiving.encrypt(struct.pack("<4xQ", counter), SHORT[counter], None)
            for counter in range(first, first + at_once)
        ]
        batch = datagrams_of(b"".join(messages), len(messages[0]), PATH_A)
        use_udp(b, JoinedUdp([batch]))
        report = b.path.inbound(2, NOW)
        drops.update(report.drops)
        keepalives += sum(traffic.keepalives for traffic in report.received.values())
    assert keepalives == SHORT.count(b"")
    assert drops == {DropReason.NOT_IP: len(SHORT) - keepalives - len(b.tun.arrived)}
    assert all(inner_length(packet) == len(packet) for packet in arrived(b.tun))


class JoinedUdp(MemoryUdp):
    """Brings what the kernel has joined."""

    def __init__(self, batches: list[Datagrams]) -> None:
        super().__init__(lambda _message, _path: True)
        self._batches = batches

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        taken, self._batches = self._batches[:limit], self._batches[limit:]
        return taken


@pytest.mark.root
def test_what_a_capture_device_puts_into_the_tun_is_read_at_its_length() -> None:
    """Seen in BSD's wg_output (DragonFly, DF-0316): that is how such packets get there."""
    wanted = [packet for packet in SHORT if packet]
    with private_namespaces():
        device = TunDevice.create("wg0")
        try:
            subprocess.run(["ip", "link", "set", "wg0", "up"], check=True)
            tun = Tun(device)
            a = lone_side("203.0.113.7/32")
            path = PythonDataPath(tun, a.udp, 1420)
            drops: Counter[DropReason] = Counter()
            seen: list[bytes] = []
            with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as capture:
                for packet in wanted:
                    for look_at_it in (False, True):  # and then let the data path do so
                        capture.sendto(packet, ("wg0", 0x88B5))  # for experiments, RFC 9542 §B.2
                        assert select.select([device.descriptor], [], [], 5)[0]
                        if look_at_it:
                            seen += _read(tun)
                        else:
                            drops.update(path.outbound(32, NOW).drops)
        finally:
            os.close(device.descriptor)
    assert [packet for packet in seen if len(packet) < 40] == wanted
    routable = sum(len(packet) >= 20 and packet[0] >> 4 == 4 for packet in wanted)
    assert drops[DropReason.NOT_IP] == len(wanted) - routable


def _read(tun: Tun) -> list[bytes]:
    """Read all that there is."""
    packets: list[bytes] = []
    while (read := tun.read()) is not None:
        packets.append(bytes(read[1]))
    return packets
