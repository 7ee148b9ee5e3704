"""The UDP sockets, over loopback."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from netstart_wg.datapath.base import MAX_SEGMENTS, RECEIVES
from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.udp import UdpPort, UdpSockets
from netstart_wg.model.address import Endpoint
from netstart_wg.model.offload import Offload
from netstart_wg.protocol.forwarding import Path

LOOPBACKS = pytest.mark.parametrize("loopback", ["127.0.0.1", "::1"])


@pytest.fixture
def pair() -> Iterator[tuple[UdpSockets, UdpSockets]]:
    one, other = UdpSockets(BoundSockets.bind(0, 0)), UdpSockets(BoundSockets.bind(0, 0))
    yield one, other
    one.close()
    other.close()


def path_to(sockets: UdpSockets, address: str, source: str | None = None) -> Path:
    endpoint = Endpoint(ip_address(address), sockets.port)
    return Path(endpoint, None if source is None else ip_address(source))


def receive(sockets: UdpSockets, count: int) -> tuple[list[bytes], list[Path]]:
    """Wait until so many datagrams have come."""
    messages: list[bytes] = []
    paths: list[Path] = []
    while len(messages) < count:
        readable, _, _ = select.select(sockets.descriptors, [], [], 5)
        assert readable, f"only {len(messages)} of {count} datagrams came"
        for received in sockets.receive(RECEIVES):
            data, size = received.data, received.segment_size
            messages += [bytes(data[at : at + size]) for at in range(0, len(data), size)]
            paths.append(received.path)
    return messages, paths


def test_both_families_get_the_same_port(pair: tuple[UdpSockets, UdpSockets]) -> None:
    ports = {each.getsockname()[1] for each in pair[0]._sockets.values()}
    assert ports == {pair[0].port}
    assert set(pair[0]._sockets) == {socket.AF_INET, socket.AF_INET6}


def test_a_port_that_is_taken_is_refused(pair: tuple[UdpSockets, UdpSockets]) -> None:
    with pytest.raises(OSError) as raised:
        UdpSockets(BoundSockets.bind(pair[0].port, 0))
    assert raised.value.errno == errno.EADDRINUSE


def test_a_port_that_is_taken_for_ipv6_only_is_refused_and_ipv4_is_let_go() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", 0))
        port = other.getsockname()[1]
        with pytest.raises(OSError):
            UdpSockets(BoundSockets.bind(port, 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("", port))


@LOOPBACKS
def test_datagrams_of_all_lengths_arrive_whole_and_in_order(
    pair: tuple[UdpSockets, UdpSockets], loopback: str
) -> None:
    sender, receiver = pair
    path = path_to(receiver, loopback)
    runs = [(1452, 45), (1452, 1), (32, MAX_SEGMENTS), (148, 2), (9000, 7)]
    sent: list[bytes] = []
    for size, count in runs:
        for shorter in (0, 7):
            laid = os.urandom(size * count - shorter)
            assert not sender.send_laid(memoryview(laid), size, path)
            assert sender.send(laid[:size], path)
            sent += [laid[at : at + size] for at in range(0, len(laid), size)]
            sent.append(laid[:size])
    assert receive(receiver, len(sent))[0] == sent


@LOOPBACKS
def test_the_path_tells_the_sender_and_the_address_that_was_called(
    pair: tuple[UdpSockets, UdpSockets], loopback: str
) -> None:
    sender, receiver = pair
    sender.send(b"x" * 32, path_to(receiver, loopback))
    _, (path,) = receive(receiver, 1)
    assert path.endpoint == Endpoint(ip_address(loopback), sender.port)
    assert path.source == ip_address(loopback)


def test_an_answer_leaves_from_the_address_that_was_called(
    pair: tuple[UdpSockets, UdpSockets],
) -> None:
    sender, receiver = pair
    sender.send(b"x" * 32, path_to(receiver, "127.0.0.7"))
    _, (path,) = receive(receiver, 1)
    assert path.source == IPv4Address("127.0.0.7")
    receiver.send(b"y" * 32, path)
    _, (back,) = receive(sender, 1)
    assert back.endpoint == Endpoint(IPv4Address("127.0.0.7"), receiver.port)


def test_an_address_that_is_no_longer_ours_does_not_stop_us(
    pair: tuple[UdpSockets, UdpSockets],
) -> None:
    sender, receiver = pair
    assert sender.send(b"x" * 32, path_to(receiver, "127.0.0.1", source="192.0.2.1"))
    messages, _ = receive(receiver, 1)
    assert messages == [b"x" * 32]


def test_what_cannot_be_sent_is_told_and_counted_and_raises_nothing() -> None:
    errors: Counter[int] = Counter()
    sender = UdpSockets(BoundSockets.bind(0, 0), errors)
    broadcast = Path(Endpoint(IPv4Address("255.255.255.255"), 9))
    assert list(sender.send_laid(memoryview(b"x" * 96), 32, broadcast)) == [0, 1, 2]
    scoped = Path(Endpoint(IPv6Address("fe80::1"), 9, 999999))
    assert not sender.send(b"x" * 32, scoped)
    sender.close()
    assert errors == {errno.EACCES: 3, errno.ENETUNREACH: 1}


def test_a_family_that_is_not_there_is_told_and_counted() -> None:
    errors: Counter[int] = Counter()
    bound = BoundSockets.bind(0, 0)
    (ipv4,) = (each for each in bound.sockets if each.family == socket.AF_INET)
    sender = UdpSockets(BoundSockets((ipv4.dup(),), None), errors)
    bound.close()
    ipv6 = Path(Endpoint(IPv6Address("::1"), sender.port))
    assert not sender.send(b"x" * 32, ipv6)
    assert list(sender.send_laid(memoryview(b"x" * 40), 32, ipv6, 0x88)) == [0, 1]
    sender.close()
    assert errors == {errno.EAFNOSUPPORT: 3}


def test_a_closed_port_sends_and_receives_nothing(pair: tuple[UdpSockets, UdpSockets]) -> None:
    port = UdpPort()
    assert not port.receive()
    path = path_to(pair[0], "127.0.0.1")
    assert not port.send(b"x", path)
    assert list(port.send_laid(memoryview(b"xxxxx"), 2, path)) == [0, 1, 2]


def test_a_datagram_as_long_as_udp_allows_is_received_whole(
    pair: tuple[UdpSockets, UdpSockets],
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(bytes(65507), ("127.0.0.1", pair[0].port))
        assert receive(pair[0], 1)[0] == [bytes(65507)]


def test_an_empty_datagram_is_received_as_nothing(pair: tuple[UdpSockets, UdpSockets]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", ("127.0.0.1", pair[0].port))
        readable, _, _ = select.select(pair[0].descriptors, [], [], 5)
        assert readable
        (received,) = pair[0].receive()
        assert (received.length, received.segment_size) == (0, 1)


def test_offloads_can_be_done_without(pair: tuple[UdpSockets, UdpSockets]) -> None:
    assert set(pair[0].offloads) == {Offload.UDP_GRO, Offload.UDP_GSO}
    plain = UdpSockets(BoundSockets.bind(0, 0), without=[Offload.UDP_GRO, Offload.UDP_GSO])
    assert plain.offloads == ()
    laid = os.urandom(300)
    joined = path_to(pair[1], "127.0.0.1")
    for sender, receiver, path in (
        (pair[0], plain, path_to(plain, "127.0.0.1")),
        (plain, pair[1], joined),
    ):
        assert not sender.send_laid(memoryview(laid), 100, path)
        messages, paths = receive(receiver, 3)
        assert b"".join(messages) == laid
        assert len(paths) == 3  # each on its own
    plain.close()
