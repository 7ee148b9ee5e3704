"""Many datagrams a call, and what came along with them."""

from __future__ import annotations

import ctypes
import select
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest

from netstart_wg.datapath.base import RECEIVES
from netstart_wg.engine.receiver import Receiver, read_origin
from netstart_wg.model.address import Endpoint
from netstart_wg.protocol.forwarding import Path

IPV4 = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s", 4711, bytes([192, 0, 2, 7]))
IPV6 = struct.pack("=H", socket.AF_INET6) + struct.pack(
    "!HI16s", 4711, 0, bytes.fromhex("fe80" + 13 * "00" + "07")
)


def control_message(level: int, kind: int, data: bytes) -> bytes:
    """As cmsg(3) lays it out: a length with the header in it, and a word's alignment."""
    word = ctypes.sizeof(ctypes.c_size_t)
    length = word + 8 + len(data)
    return struct.pack("@Nii", length, level, kind) + data + bytes(-length % word)


SEGMENT_SIZE = control_message(17, 104, struct.pack("=i", 1452))


@pytest.fixture
def ends() -> Iterator[tuple[Receiver, socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending,
    ):
        receiving.bind(("127.0.0.1", 0))
        sending.connect(receiving.getsockname())
        yield Receiver(receiving.fileno()), receiving, sending


def test_one_call_brings_all_that_has_come_in_order_up_to_its_limit(
    ends: tuple[Receiver, socket.socket, socket.socket],
) -> None:
    receiver, receiving, sending = ends
    for number in range(RECEIVES + 5):
        sending.send(bytes([number]) * (number + 1))
    select.select([receiving], [], [], 5)
    taken = [
        [bytes(each.data) for each in receiver.receive(limit)] for limit in (1, 3, RECEIVES, 5)
    ]
    assert [len(batch) for batch in taken] == [1, 3, RECEIVES, 1]
    expected = [bytes([number]) * (number + 1) for number in range(RECEIVES + 5)]
    assert [message for batch in taken for message in batch] == expected
    assert receiver.receive(RECEIVES) == []


def test_of_two_senders_each_is_told_with_its_own_datagrams(
    ends: tuple[Receiver, socket.socket, socket.socket],
) -> None:
    receiver, receiving, sending = ends
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.connect(receiving.getsockname())
        for sender in (sending, other, other, sending):
            sender.send(b"x")
        select.select([receiving], [], [], 5)
        ports = [each.path.endpoint.port for each in receiver.receive(RECEIVES)]
        mine, others = sending.getsockname()[1], other.getsockname()[1]
    assert ports == [mine, others, others, mine]


def test_of_one_sender_each_datagram_is_told_with_its_own_mark(
    ends: tuple[Receiver, socket.socket, socket.socket],
) -> None:
    receiver, receiving, sending = ends
    receiving.setsockopt(socket.IPPROTO_IP, 13, 1)  # IP_RECVTOS
    for marks in ([0, 0, 0], [0, 3, 0], [2, 2, 2], [3, 0, 0]):
        for mark in marks:
            sending.sendmsg([b"x"], [(socket.IPPROTO_IP, socket.IP_TOS, struct.pack("=i", mark))])
        select.select([receiving], [], [], 5)
        assert [each.ecn for each in receiver.receive(RECEIVES)] == marks


def test_an_error_of_an_earlier_send_brings_nothing_and_loses_nothing(
    ends: tuple[Receiver, socket.socket, socket.socket],
) -> None:
    receiver, receiving, sending = ends
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = nobody.getsockname()
    receiving.connect(closed)
    receiving.send(b"to nobody")
    select.select([receiving], [], [], 5)
    assert receiver.receive(RECEIVES) == []
    receiving.connect(sending.getsockname())
    sending.send(b"x")
    select.select([receiving], [], [], 5)
    assert [bytes(each.data) for each in receiver.receive(RECEIVES)] == [b"x"]


def test_the_sender_and_our_address_make_the_path() -> None:
    source = struct.pack("=i4s4s", 3, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 255]))
    path, _, _ = read_origin(IPV4.ljust(28, b"\0"), control_message(0, 8, source))
    assert path == Path(Endpoint(IPv4Address("192.0.2.7"), 4711), IPv4Address("192.0.2.1"), 3)

    scoped = IPV6 + struct.pack("=I", 9)
    source = struct.pack("=16si", bytes(15) + b"\1", 9)
    path, _, _ = read_origin(scoped, control_message(41, socket.IPV6_PKTINFO, source))
    assert path == Path(Endpoint(IPv6Address("fe80::7"), 4711, 9), IPv6Address("::1"), 9)


def test_the_segment_size_is_read_from_its_own_control_message_only() -> None:
    four = struct.pack("=i", 1452)
    assert read_origin(IPV4, b"")[1] == 0
    assert read_origin(IPV4, control_message(0, 1, b"\0") + SEGMENT_SIZE)[1] == 1452
    for level, kind, data in ((1, 104, four), (17, 103, four), (17, 104, four[:2])):
        assert read_origin(IPV4, control_message(level, kind, data))[1] == 0


def test_the_ecn_bits_are_read_without_the_dscp() -> None:
    def ecn(*messages: bytes) -> int:
        return read_origin(IPV4, b"".join(messages))[2]

    assert ecn(control_message(0, socket.IP_TOS, b"\x8b")) == 3
    traffic_class = struct.pack("=i", 0x8A)
    assert ecn(SEGMENT_SIZE, control_message(41, socket.IPV6_TCLASS, traffic_class)) == 2
    assert ecn(control_message(0, 1, b""), control_message(41, 67, b"\1")) == 0
    assert ecn(control_message(0, 2, b"\3")) == 0


@pytest.mark.parametrize("length", [0, 1, 15])
def test_a_control_message_shorter_than_its_header_ends_the_reading(length: int) -> None:
    broken = struct.pack("@Nii", length, 17, 104) + struct.pack("=i", 1452)
    assert read_origin(IPV4, broken)[1] == 0
