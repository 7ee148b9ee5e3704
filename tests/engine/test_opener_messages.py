"""What an engine and its opener say to each other: nothing but what is meant is taken for it."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.engine.link import LinkState
from netstart_wg.engine.opener_messages import (
    ANSWER_OCTETS,
    REQUEST_OCTETS,
    Answer,
    LostDescriptorsError,
    Operation,
    Outcome,
    Request,
    receive,
    send,
)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def open_descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize(
    ("request_", "descriptors"),
    [
        (
            Request(operation=Operation.OPEN_SOCKETS, rdomain=255, port=65535, number=0xFFFF_FFFF),
            0,
        ),
        (Request(operation=Operation.SET_FWMARK, number=7), 1),
        (Request(operation=Operation.SET_FWMARK, number=7), 2),
        (Request(operation=Operation.INDEX_OF_INTERFACE, rdomain=3, name="fifteen-letters"), 0),
        (Request(operation=Operation.LOOK), 1),
        (Request(operation=Operation.LIMIT_SUPER_PACKETS, number=65536), 1),
        (Request(operation=Operation.REMOVE_SOCKET_FILE), 0),
    ],
)
def test_a_request_arrives_as_it_was_sent(request_: Request, descriptors: int) -> None:
    octets = request_.encode()
    assert len(octets) == REQUEST_OCTETS
    assert Request.decode(octets, descriptors) == request_
    with pytest.raises(ValueError, match=f"{request_.operation.name} with 3 descriptors"):
        Request.decode(octets, 3)


@pytest.mark.parametrize("name", ["sixteen-letters!", "fünfzehn-zähler", "a\0b", "\0", "a/b", ""])
def test_a_name_that_no_interface_can_have_is_not_even_asked_for(name: str) -> None:
    request = Request(operation=Operation.INDEX_OF_INTERFACE, name=name)
    with pytest.raises(OSError, match="No such device"):
        request.encode()


@given(st.text(max_size=17))
def test_whatever_name_is_asked_for_the_opener_takes_for_a_request(name: str) -> None:
    request = Request(operation=Operation.INDEX_OF_INTERFACE, name=name)
    try:
        octets = request.encode()
    except OSError:
        return
    assert Request.decode(octets, 0) == request


@pytest.mark.parametrize("name", [b"", b"a/b", b"a\0b", b"\xff", b"sixteen-letters!"])
def test_a_name_that_is_none_is_no_request(name: bytes) -> None:
    octets = Request(operation=Operation.INDEX_OF_INTERFACE, name="x").encode()[:-16]
    with pytest.raises(ValueError):
        Request.decode(octets + name.ljust(16, b"\0"), 0)


@pytest.mark.parametrize("octets", [0, 65537])
def test_a_super_packet_of_impossible_length_is_no_request(octets: int) -> None:
    request = Request(operation=Operation.LIMIT_SUPER_PACKETS, number=octets)
    with pytest.raises(ValueError, match="super-packets"):
        Request.decode(request.encode(), 1)


@given(st.binary(max_size=2 * REQUEST_OCTETS), st.integers(0, 3))
def test_of_any_octets_a_request_is_made_or_a_value_error(octets: bytes, descriptors: int) -> None:
    try:
        request = Request.decode(octets, descriptors)
    except ValueError:
        return
    assert len(request.encode()) == REQUEST_OCTETS
    assert "/" not in request.name


@given(st.binary(max_size=2 * ANSWER_OCTETS))
def test_of_any_octets_an_answer_is_made_or_a_value_error(octets: bytes) -> None:
    try:
        answer = Answer.decode(octets)
    except ValueError:
        return
    assert answer.outcome in Outcome


@pytest.mark.parametrize("mtu", [None, 1420])
@pytest.mark.parametrize("flags", [(True, False, False), (False, True, False), (False, True, True)])
def test_the_state_of_an_interface_arrives_as_it_is(
    flags: tuple[bool, bool, bool], mtu: int | None
) -> None:
    is_elsewhere, is_up, is_debug = flags
    state = LinkState(
        namespace=1 << 40, is_elsewhere=is_elsewhere, is_up=is_up, is_debug=is_debug, mtu=mtu
    )
    assert Answer.decode(Answer.of_link(state).encode()).link() == state


def test_no_state_is_an_answer_too() -> None:
    assert Answer.of_link(None).outcome is Outcome.UNKNOWN


def test_descriptors_come_along_and_are_not_inherited(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    send(ours, b"x", [0, 1])
    octets, descriptors = receive(theirs, REQUEST_OCTETS)
    assert octets == b"x"
    assert len(descriptors) == 2
    for descriptor in descriptors:
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)


@pytest.mark.parametrize(
    ("octets", "descriptors", "kind"),
    [(REQUEST_OCTETS + 1, 0, ValueError), (1, 9, LostDescriptorsError)],
)
def test_a_message_that_is_too_long_leaves_no_descriptor_behind(
    pair: tuple[socket.socket, socket.socket], octets: int, descriptors: int, kind: type[ValueError]
) -> None:
    ours, theirs = pair
    before = open_descriptors()
    send(ours, bytes(octets), [0] * descriptors)
    with pytest.raises(ValueError) as raised:
        receive(theirs, REQUEST_OCTETS)
    assert raised.type is kind
    assert open_descriptors() == before


def test_descriptors_beyond_the_limit_are_lost_and_what_comes_next_is_not(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    send(ours, b"x", [0, 1])
    send(ours, b"y", [])
    before = open_descriptors()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 1, limit[1]))  # room for one
    try:
        with pytest.raises(LostDescriptorsError):
            receive(theirs, REQUEST_OCTETS)
        assert receive(theirs, REQUEST_OCTETS) == (b"y", [])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert open_descriptors() == before


def test_the_end_is_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.close()
    assert receive(theirs, REQUEST_OCTETS) == (b"", [])
