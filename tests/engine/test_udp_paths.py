"""What differs from path to path: marks in the outer header, and who takes joined datagrams.

Over loopback, and over a cable whose other end is watched:

    the sockets ── near ──────────────── far ── a packet socket
                   198.51.100.1/24,             sees datagrams as they cross: joined ones
                   2001:db8::1/64               as one, for nobody here cuts them
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import select
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from time import monotonic_ns

import pytest

from netstart_wg.datapath.refusals import RETRY_AFTER_NS
from netstart_wg.engine import udp
from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.udp import UdpSockets
from netstart_wg.model.address import Endpoint
from netstart_wg.model.offload import Offload
from netstart_wg.protocol import forwarding
from tests.netns.waiting import eventually
from tests.private_namespaces import private_namespaces

AF41 = 0x88
ECT_0, CE = 2, 3
SO_NO_CHECK = 11
SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17
ETH_P_ALL = 3
MESSAGES = [bytes([n]) * 1400 for n in range(20)]

LOOPBACKS = pytest.mark.parametrize("loopback", ["127.0.0.1", "::1"])
FAR_HARDWARE = "02:00:00:00:00:02"
FAR = {4: ("198.51.100.2", "198.51.100.3"), 6: ("2001:db8::2", "2001:db8::3")}
families = pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])


def path_to(address: str, port: int) -> forwarding.Path:
    return forwarding.Path(Endpoint(ip_address(address), port))


# -- marks -------------------------------------------------------------------------------


@LOOPBACKS
@pytest.mark.parametrize("count", [1, 5], ids=["single", "joined"])
def test_a_mark_is_for_one_send_only(loopback: str, count: int) -> None:
    is_ipv4 = ":" not in loopback
    family = socket.AF_INET if is_ipv4 else socket.AF_INET6
    sender = UdpSockets(BoundSockets.bind(0, 0))
    with socket.socket(family, socket.SOCK_DGRAM) as receiver:
        if is_ipv4:
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        else:
            receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        receiver.settimeout(5)
        receiver.bind((loopback, 0))
        path = path_to(loopback, receiver.getsockname()[1])
        seen = []
        for traffic_class in (0, AF41, CE, 0):
            assert not sender.send_laid(memoryview(b"x" * 32 * count), 32, path, traffic_class)
            for _ in range(count):
                _, ancillary, _, _ = receiver.recvmsg(100, 100)
                seen.append(ancillary[0][2][0])
    sender.close()
    assert seen == [0] * count + [AF41] * count + [CE] * count + [0] * count


@LOOPBACKS
def test_the_ecn_bits_of_what_arrives_are_told(loopback: str) -> None:
    sender, receiver = UdpSockets(BoundSockets.bind(0, 0)), UdpSockets(BoundSockets.bind(0, 0))
    seen: list[tuple[int, int]] = []
    for traffic_class in (0, AF41 | ECT_0, CE):
        laid = memoryview(b"x" * 96)
        sender.send_laid(laid, 32, path_to(loopback, receiver.port), traffic_class)
    while sum(count for count, _ in seen) < 9:
        readable, _, _ = select.select(receiver.descriptors, [], [], 5)
        assert readable
        for received in receiver.receive():
            seen.append((len(received.data) // received.segment_size, received.ecn))
    sender.close()
    receiver.close()
    assert {ecn: sum(count for count, each in seen if each == ecn) for ecn in (0, ECT_0, CE)} == {
        0: 3,
        ECT_0: 3,
        CE: 3,
    }


def test_one_datagram_that_cannot_leave_does_not_take_the_rest_with_it() -> None:
    errors: Counter[int] = Counter()
    sender = UdpSockets(BoundSockets.bind(0, 0), errors, without=[Offload.UDP_GSO])
    receiver = UdpSockets(BoundSockets.bind(0, 0))
    too_long = 65_508  # RFC 768 and RFC 791: 65535 less 20 and 8
    laid = memoryview(bytes(too_long) + b"b" * 50)
    assert list(sender.send_laid(laid, too_long, path_to("127.0.0.1", receiver.port))) == [0]
    readable, _, _ = select.select(receiver.descriptors, [], [], 5)
    assert readable
    assert [bytes(each.data) for each in receiver.receive()] == [b"b" * 50]
    assert errors == {errno.EMSGSIZE: 1}
    sender.close()
    receiver.close()


@LOOPBACKS
@pytest.mark.parametrize("octets", [0, 1, 31, 32, 33, 64, 100], ids=str)
def test_messages_laid_end_to_end_leave_as_datagrams(loopback: str, octets: int) -> None:
    family = socket.AF_INET6 if ":" in loopback else socket.AF_INET
    sender, messages = UdpSockets(BoundSockets.bind(0, 0)), bytes(range(octets))
    expected = [messages[at : at + 32] for at in range(0, octets, 32)]
    with socket.socket(family, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        receiver.bind((loopback, 0))
        path = path_to(loopback, receiver.getsockname()[1])
        assert not sender.send_laid(memoryview(messages), 32, path, AF41)
        assert [receiver.recv(100) for _ in expected] == expected
    sender.close()


# -- who takes joined datagrams -------------------------------------------------------------


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@dataclass(slots=True)
class Cable:
    """The sockets under test, and the lengths of what crosses."""

    sockets: UdpSockets
    watch: socket.socket

    def send(self, address: str) -> list[int]:
        """Send MESSAGES; return how many octets of UDP crossed in each piece."""
        path = path_to(address, 9)
        laid = memoryview(b"".join(MESSAGES))
        assert not self.sockets.send_laid(laid, len(MESSAGES[0]), path)
        pieces: list[int] = []
        wanted = sum(map(len, MESSAGES))
        while sum(pieces) < wanted:
            frame, origin = self.watch.recvfrom(1 << 17)
            if origin[2] == socket.PACKET_HOST and (length := _udp_payload(frame, address)):
                pieces.append(length)
        assert sum(pieces) == wanted
        return pieces


def _udp_payload(frame: bytes, address: str) -> int:
    """Return how many octets of datagrams to `address` a frame has, 0 for other frames."""
    destination = ip_address(address).packed
    packet = frame[14:]
    if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_UDP and packet[16:20] == destination:
        is_first = not struct.unpack_from("!H", packet, 6)[0] & 0x1FFF
        return len(packet) - (28 if is_first else 20)
    if packet[0] >> 4 == 6 and packet[24:40] == destination:
        if packet[6] == socket.IPPROTO_UDP:
            return len(packet) - 48
        if packet[6] == socket.IPPROTO_FRAGMENT:
            is_first = not struct.unpack_from("!H", packet, 42)[0] & 0xFFF8
            return len(packet) - (56 if is_first else 48)
    return 0


@pytest.fixture
def cable() -> Iterator[Cable]:
    with private_namespaces():
        Path("/proc/sys/net/ipv6/conf/default/accept_dad").write_text("0")
        # the indices differ so that the carrier is noticed at once (linkwatch_urgent_event)
        ip("link", "add", "near", "index", "10", "type", "veth", "peer", "name", "far")
        ip("link", "set", "far", "address", FAR_HARDWARE, "up")
        ip("link", "set", "near", "up")
        ip("address", "add", "198.51.100.1/24", "dev", "near")
        ip("address", "add", "2001:db8::1/64", "dev", "near")
        for address in (*FAR[4], *FAR[6]):
            ip("neighbour", "add", address, "lladdr", FAR_HARDWARE, "dev", "near")
        eventually(lambda: "state UP" in ip("link", "show", "near"))
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as watch:
            watch.bind(("far", ETH_P_ALL))
            watch.settimeout(5)
            sockets = UdpSockets(BoundSockets.bind(0, 0))
            yield Cable(sockets, watch)
            sockets.close()


def set_path_mtu(address: str, mtu: int) -> None:
    ip("route", "replace", address, "dev", "near", "mtu", str(mtu))


def later(monkeypatch: pytest.MonkeyPatch, nanoseconds: int) -> None:
    then = monotonic_ns() + nanoseconds
    monkeypatch.setattr(udp, "monotonic_ns", lambda: then)


@families
def test_a_path_of_less_mtu_than_the_device_gets_datagrams_singly(
    cable: Cable, family: int
) -> None:
    narrow, wide = FAR[family]
    set_path_mtu(narrow, 1300)
    assert max(cable.send(narrow)) < 1300
    assert len(cable.send(wide)) == 1
    assert list(cable.sockets.sent_singly) == [path_to(narrow, 9).endpoint]


@families
def test_a_path_that_refused_is_asked_again_after_a_while_only(
    cable: Cable, family: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, _ = FAR[family]
    set_path_mtu(narrow, 1300)
    cable.send(narrow)
    set_path_mtu(narrow, 1500)
    assert cable.send(narrow) == [1400] * len(MESSAGES)
    later(monkeypatch, RETRY_AFTER_NS)
    assert cable.send(narrow) == [sum(map(len, MESSAGES))]


@families
def test_a_device_that_computes_no_checksums_gets_datagrams_singly(
    cable: Cable, family: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = FAR[family]
    set_checksum_offload(on=False)
    assert cable.send(one) == [1400] * len(MESSAGES)
    set_checksum_offload(on=True)
    assert len(cable.send(other)) == 1
    later(monkeypatch, RETRY_AFTER_NS)
    assert len(cable.send(one)) == 1


def set_checksum_offload(*, on: bool) -> None:
    """Do as `ethtool -K near tx on` or `off` does."""
    value = ctypes.create_string_buffer(struct.pack("=II", ETHTOOL_STXCSUM, on), 8)
    request = struct.pack("@16sP16x", b"near", ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCETHTOOL, request)


def test_a_kernel_that_says_invalid_is_understood(cable: Cable) -> None:
    """As those before 6.14 say of a segment too long for the path."""
    address, _ = FAR[4]
    (sender,) = (each for each in cable.sockets._sockets.values() if each.family == socket.AF_INET)
    sender.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    assert cable.send(address) == [1400] * len(MESSAGES)
