"""The opener's answers, in real network namespaces: requests first, then it serves them all."""

from __future__ import annotations

import errno
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from netstart_wg.engine.link import Link
from netstart_wg.engine.opener import DirectOpener
from netstart_wg.engine.opener_messages import (
    ANSWER_OCTETS,
    Answer,
    Operation,
    Outcome,
    Request,
    receive,
    send,
)
from netstart_wg.engine.opener_process import serve
from netstart_wg.engine.tun_device import TunDevice
from netstart_wg.engine.uapi_listener import SocketFile
from netstart_wg.system.namespaces import make_rdomain, namespace_of
from tests.private_namespaces import private_namespaces

pytestmark = pytest.mark.root

SO_MARK = 36


@dataclass(frozen=True, slots=True)
class Ends:
    """Of the pair of sockets, with the socket file that the opener is to remove."""

    engine: socket.socket
    opener: socket.socket
    file: Path

    def ask(self, *requests: tuple[Request, Sequence[int]]) -> list[tuple[Answer, Sequence[int]]]:
        """Send requests, let the opener serve until they are all done, return its answers."""
        for request, descriptors in requests:
            send(self.engine, request.encode(), descriptors)
        self.engine.shutdown(socket.SHUT_WR)
        serve(self.opener, DirectOpener(SocketFile.at(self.file)))
        received = [receive(self.engine, ANSWER_OCTETS) for _ in requests]
        return [(Answer.decode(octets), descriptors) for octets, descriptors in received]


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    """A pair in a network of its own, beside an rdomain 1."""
    file = tmp_path / "wg0.sock"
    file.touch()
    with private_namespaces():
        make_rdomain(1)
        engine, opener = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with engine, opener:
            yield Ends(engine, opener, file)


def count_of_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def mark_of(each: socket.socket) -> int:
    return int.from_bytes(each.getsockopt(socket.SOL_SOCKET, SO_MARK, 4), sys.byteorder)


def test_sockets_are_opened_in_the_rdomain_and_handed_over_for_good(ends: Ends) -> None:
    before = count_of_descriptors()
    request = Request(operation=Operation.OPEN_SOCKETS, rdomain=1, port=443, number=7)
    ((answer, descriptors),) = ends.ask((request, ()))
    assert (answer.outcome, answer.namespace) == (Outcome.DONE, namespace_of(1))
    assert count_of_descriptors() == before + len(descriptors)
    families = set()
    for descriptor in descriptors:
        with socket.socket(fileno=descriptor) as each:
            assert each.getsockname()[1] == 443
            assert mark_of(each) == 7
            families.add(each.family)
    assert families == {socket.AF_INET, socket.AF_INET6}


def test_whoever_wants_to_hear_of_changes_there_hears_of_them(ends: Ends) -> None:
    request = Request(operation=Operation.OPEN_NETWORK_CHANGES, rdomain=1)
    ((answer, (descriptor,)),) = ends.ask((request, ()))
    assert answer.outcome is Outcome.DONE
    with socket.socket(fileno=descriptor) as changes:
        add = ["ip", "-n", "rdomain1", "address", "add", "192.0.2.1/24", "dev", "lo"]
        assert not select.select([changes], [], [], 0)[0]
        subprocess.run(add, check=True)
        assert select.select([changes], [], [], 5)[0]


def test_an_rdomain_is_told_by_its_inode(ends: Ends) -> None:
    of = [Request(operation=Operation.NAMESPACE_OF, rdomain=rdomain) for rdomain in (0, 1, 9)]
    answers = ends.ask(*((request, ()) for request in of))
    assert [answer.namespace for answer, _ in answers] == [namespace_of(0), namespace_of(1), 0]


def test_what_the_system_refuses_is_told_by_its_number_and_it_serves_on(ends: Ends) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", 443))
        answers = ends.ask(
            (Request(operation=Operation.OPEN_SOCKETS, port=443), ()),
            (Request(operation=Operation.OPEN_SOCKETS, rdomain=9, port=443), ()),
            (Request(operation=Operation.INDEX_OF_INTERFACE, name="nowhere"), ()),
            (Request(operation=Operation.INDEX_OF_INTERFACE, name="lo", rdomain=1), ()),
        )
    numbers = [(answer.outcome, answer.number) for answer, _ in answers]
    assert numbers == [
        (Outcome.REFUSED, errno.EADDRINUSE),
        (Outcome.REFUSED, errno.ENOENT),
        (Outcome.REFUSED, errno.ENODEV),
        (Outcome.DONE, 1),
    ]


@pytest.mark.parametrize("mark", [0x2A, 0x8000_0000, 0xFFFF_FFFF])
def test_a_mark_is_set_on_what_comes_along(ends: Ends, mark: int) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other,
    ):
        for each in (one, other):
            each.bind(("", 0))
        request = Request(operation=Operation.SET_FWMARK, number=mark)
        ((answer, _),) = ends.ask((request, (one.fileno(), other.fileno())))
        assert answer.outcome is Outcome.DONE
        assert (mark_of(one), mark_of(other)) == (mark, mark)


@pytest.mark.parametrize(
    ("family", "kind"), [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM)]
)
def test_whoever_wants_another_sockets_mark_ends_the_opener(
    ends: Ends, family: int, kind: int
) -> None:
    with socket.socket(family, kind) as given:
        request = Request(operation=Operation.SET_FWMARK, number=7)
        with pytest.raises(ValueError, match="no UDP socket"):
            ends.ask((request, (given.fileno(),)))
        assert mark_of(given) == 0


def test_what_is_no_socket_is_refused_and_not_kept(ends: Ends) -> None:
    before = count_of_descriptors()
    with Path("/dev/null").open() as null:
        request = Request(operation=Operation.SET_FWMARK, number=7)
        ((answer, _),) = ends.ask((request, (null.fileno(),)))
    assert (answer.outcome, answer.number) == (Outcome.REFUSED, errno.ENOTSOCK)
    assert count_of_descriptors() == before


def test_it_looks_at_an_interface_and_limits_its_super_packets(ends: Ends) -> None:
    with closing(TunDevice.create("wg0")) as device:
        before = count_of_descriptors()
        limit = Request(operation=Operation.LIMIT_SUPER_PACKETS, number=61440)
        (looked, _), (limited, _) = ends.ask(
            (Request(operation=Operation.LOOK), (device.descriptor,)),
            (limit, (device.descriptor,)),
        )
        assert looked.link() == Link(device).look()
        assert limited.outcome is Outcome.DONE
        assert count_of_descriptors() == before


def test_of_an_interface_that_is_gone_and_of_what_is_none_it_says_so(ends: Ends) -> None:
    with closing(TunDevice.create("wg0")) as device, Path("/dev/null").open() as null:
        subprocess.run(["ip", "link", "delete", "wg0"], check=True)
        look = Request(operation=Operation.LOOK)
        (gone, _), (none, _) = ends.ask((look, (device.descriptor,)), (look, (null.fileno(),)))
    assert gone.outcome is Outcome.GONE
    assert (none.outcome, none.number) == (Outcome.REFUSED, errno.ENOTTY)


def test_the_socket_file_is_removed_unless_it_is_another(ends: Ends) -> None:
    file = SocketFile.at(ends.file)
    ends.file.rename(ends.file.with_suffix(".aside"))
    ends.file.touch()
    file.remove()
    assert ends.file.exists()
    has = (Request(operation=Operation.HAS_SOCKET_FILE), ())
    answers = ends.ask(has, (Request(operation=Operation.REMOVE_SOCKET_FILE), ()), has)
    assert [answer.number for answer, _ in answers] == [1, 0, 0]
    assert not ends.file.exists()


@pytest.mark.parametrize("octets", [b"x", bytes(24), bytes([255]) + bytes(23), bytes(25)])
def test_what_is_no_request_ends_the_opener(ends: Ends, octets: bytes) -> None:
    send(ends.engine, octets, ())
    ends.engine.shutdown(socket.SHUT_WR)
    with pytest.raises(ValueError):
        serve(ends.opener, DirectOpener(SocketFile.at(ends.file)))


def test_what_is_forked_has_loaded_nothing_that_an_opener_does_without() -> None:
    """Nor has it read any key by then: see `Succession.take_over`."""
    loaded = "import sys, netstart_wg.engine.launch; print(*sys.modules)"
    words = [sys.executable, "-c", loaded]
    modules = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert not {"cryptography", "netstart_wg.protocol", "netstart_wg.datapath"} & set(modules)
