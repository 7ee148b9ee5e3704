"""The UAPI server: clients that are quick, slow, many, or write garbage."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.engine import uapi_server
from netstart_wg.engine.uapi_server import UapiClient
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.state import PeerState, WireGuardState


class Served:
    """An engine that remembers what it was told, and may refuse."""

    def __init__(self) -> None:
        self.changes: list[DeviceChange] = []
        self.refusal: int | None = None
        self.peers = 0

    def state(self) -> WireGuardState:
        keys = (PublicKey(number.to_bytes(32, "big")) for number in range(self.peers))
        return WireGuardState(
            listen_port=51820, peers=tuple(PeerState(public_key=key) for key in keys)
        )

    def configure(self, change: DeviceChange) -> None:
        if self.refusal is not None:
            raise OSError(self.refusal, os.strerror(self.refusal))
        self.changes.append(change)

    def index_of_interface(self, name: str) -> int:
        return {"eth0": 7}[name]


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def connection(served: Served) -> Iterator[tuple[UapiClient, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(5)
    client = UapiClient(ours, served)
    yield client, theirs
    client.close()
    theirs.close()


def ask(connection: tuple[UapiClient, socket.socket], request: bytes) -> bytes:
    client, theirs = connection
    theirs.sendall(request)
    assert client.is_readable()
    return theirs.recv(1 << 20)


def test_get_is_answered(connection: tuple[UapiClient, socket.socket]) -> None:
    assert ask(connection, b"get=1\n\n") == b"listen_port=51820\nerrno=0\n\n"


def test_a_follower_is_told_until_it_lets_too_much_pile_up(
    connection: tuple[UapiClient, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, theirs = connection
    theirs.sendall(b"debug=1\n\n")
    assert client.is_readable()
    assert client.is_following
    assert client.tell("wg0: Peer 0 created")
    assert theirs.recv(100) == b"wg0: Peer 0 created\n"
    monkeypatch.setattr(uapi_server, "MAX_UNREAD_OCTETS", 1000)
    told = 0
    while client.tell("x" * 1000):
        told += 1
    assert client.wants_to_write
    assert len(theirs.recv(1 << 20)) >= 1000
    assert told > 1


def test_set_is_applied_and_acknowledged(
    connection: tuple[UapiClient, socket.socket], served: Served
) -> None:
    assert ask(connection, b"set=1\nlisten_port=7\n\n") == b"errno=0\n\n"
    assert served.changes == [DeviceChange(listen_port=7)]


def test_a_scope_may_be_an_interfaces_name_as_wg_writes_it(
    connection: tuple[UapiClient, socket.socket], served: Served
) -> None:
    request = b"set=1\npublic_key=" + b"01" * 32 + b"\nendpoint=[fe80::1%eth0]:5\n\n"
    assert ask(connection, request) == b"errno=0\n\n"
    expected = Endpoint(IPv6Address("fe80::1"), 5, 7)
    assert served.changes[0].peers[0].endpoint == expected


def test_several_requests_on_one_connection_are_answered_in_order(
    connection: tuple[UapiClient, socket.socket],
) -> None:
    reply = ask(connection, b"set=1\nlisten_port=7\n\nget=1\n\nset=1\n\n")
    assert reply == b"errno=0\n\nlisten_port=51820\nerrno=0\n\nerrno=0\n\n"


def test_a_request_may_come_octet_by_octet(
    connection: tuple[UapiClient, socket.socket], served: Served
) -> None:
    client, theirs = connection
    for octet in b"set=1\nlisten_port=7\n\n":
        theirs.sendall(bytes([octet]))
        assert client.is_readable()
    assert theirs.recv(100) == b"errno=0\n\n"
    assert served.changes == [DeviceChange(listen_port=7)]


def test_a_refused_change_answers_with_the_negative_error(
    connection: tuple[UapiClient, socket.socket], served: Served
) -> None:
    served.refusal = errno.EADDRINUSE
    assert ask(connection, b"set=1\nlisten_port=7\n\n") == b"errno=-98\n\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"listen_port=x", errno.EINVAL),
        (b"no such key=1", errno.EINVAL),
        (b"private_key", errno.EPROTO),
        (b"description=\xff", errno.EINVAL),
    ],
)
def test_a_bad_set_changes_nothing(
    connection: tuple[UapiClient, socket.socket], served: Served, body: bytes, expected: int
) -> None:
    reply = ask(connection, b"set=1\nlisten_port=7\n" + body + b"\n\n")
    assert reply == b"errno=-%d\n\n" % expected
    assert served.changes == []


def test_a_get_that_says_more_is_a_protocol_error(
    connection: tuple[UapiClient, socket.socket],
) -> None:
    assert ask(connection, b"get=1\nx=y\n\n") == b"errno=71\n\n"


def test_an_unknown_operation_ends_the_connection(
    connection: tuple[UapiClient, socket.socket],
) -> None:
    client, theirs = connection
    theirs.sendall(b"put=1\n\n")
    assert not client.is_readable()


def test_a_client_that_leaves_is_noticed(connection: tuple[UapiClient, socket.socket]) -> None:
    client, theirs = connection
    theirs.sendall(b"set=1\nlisten")
    theirs.shutdown(socket.SHUT_WR)
    assert client.is_readable()
    assert not client.is_readable()


def test_a_slow_reader_gets_a_long_answer_in_pieces(
    connection: tuple[UapiClient, socket.socket], served: Served
) -> None:
    client, theirs = connection
    served.peers = 10_000
    theirs.sendall(b"get=1\n\n")
    assert client.is_readable()
    assert client.wants_to_write
    received = theirs.recv(1 << 16)
    while not received.endswith(b"errno=0\n\n"):
        assert client.is_writable()
        received += theirs.recv(1 << 16)
    assert received.count(b"public_key=") == 10_000


def test_a_request_beyond_all_measure_ends_the_connection(
    connection: tuple[UapiClient, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uapi_server, "MAX_REQUEST_OCTETS", 1000)
    client, theirs = connection
    theirs.sendall(b"set=1\n" + b"x" * 1000)
    assert not client.is_readable()


@given(st.binary(max_size=300))
def test_garbage_raises_nothing(garbage: bytes) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        client = UapiClient(ours, Served())
        theirs.sendall(garbage + b"\n\n")
        theirs.shutdown(socket.SHUT_WR)
        while client.is_readable():
            pass
