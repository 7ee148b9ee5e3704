"""What a former process has left, and how much of it is believed; real devices, real sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.descriptor_store import DescriptorStore, Inherited, Stored
from netstart_wg.engine.memory_file import MemoryFile
from netstart_wg.engine.notify import ServiceManager
from netstart_wg.engine.predecessor import (
    GivenUpError,
    InterfaceDeletedError,
    Predecessor,
    inherited_tun,
)
from netstart_wg.engine.tun_device import TunDevice
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.saved import SavedDevice, SavedSession
from netstart_wg.model.state import WireGuardState
from netstart_wg.system.namespaces import inside_rdomain, make_rdomain, namespace_of
from netstart_wg.uapi.saved import encode_saved, encode_sessions
from tests.private_namespaces import private_namespaces

pytestmark = pytest.mark.root

SESSION = SavedSession(public_key=PublicKey(bytes(range(32))))


@dataclass
class Left:
    """What is in the store, to be changed before it is taken."""

    tun: int
    udp: tuple[int, ...]
    port: int
    state: str = ""
    sessions: str | None = None
    copies: list[int] = field(default_factory=list)
    """Of what can be taken once."""
    opened: list[BoundSockets] = field(default_factory=list)

    def saved(self, *, port: int | None = None, restorations: int = 0) -> None:
        state = WireGuardState(listen_port=self.port if port is None else port)
        saved = SavedDevice(
            state=state, sockets_namespace=namespace_of(0), restorations=restorations
        )
        self.state = encode_saved(saved)

    def inherited(self) -> Inherited:
        descriptors = {Stored.TUN: (self.tun,), Stored.UDP: self.udp}
        descriptors[Stored.STATE] = (_memory_file(self.state, can_be_emptied=False),)
        if self.sessions is not None:
            taken = _memory_file(self.sessions, can_be_emptied=True)
            self.copies.append(os.dup(taken))
            descriptors[Stored.SESSIONS] = (taken,)
        return Inherited(descriptors, {kind: f"{kind.value}.1" for kind in descriptors}, (), 1)

    def take(self) -> Predecessor | None:
        inherited = self.inherited()
        assert inherited_tun("wg0", inherited) == self.tun
        found = Predecessor.of("wg0", inherited, DescriptorStore(ServiceManager(), inherited))
        if found is not None and found.sockets is not None:
            self.opened.append(found.sockets)
        return found


def _memory_file(text: str, *, can_be_emptied: bool) -> int:
    file = MemoryFile("test")
    file.write(text)
    file.seal(can_be_emptied=can_be_emptied)
    return file.descriptor


@pytest.fixture
def left() -> Iterator[Left]:
    """A TUN device and sockets, a state that goes with them, and no sessions."""
    with private_namespaces(), contextlib.ExitStack() as opened:
        device = TunDevice.create("wg0")
        opened.callback(_close, device.descriptor)
        bound = BoundSockets.bind(0, 0)
        port = bound.port
        numbers = tuple(each.detach() for each in bound.sockets)
        for each in numbers:
            opened.callback(_close, each)
        left = Left(device.descriptor, numbers, port)
        left.saved()
        yield left
        for sockets in left.opened:
            sockets.close()
        for each in left.copies:
            os.close(each)


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)


def test_what_is_as_it_says_is_taken_over(left: Left) -> None:
    found = left.take()
    assert found is not None
    assert found.sockets is not None
    assert found.sockets.port == left.port
    assert found.sockets.namespace == namespace_of(0)
    assert found.saved is not None
    assert found.sessions is None
    assert found.restorations == 1


def test_nobody_has_left_anything_at_a_first_start() -> None:
    assert Predecessor.of("wg0", Inherited(), DescriptorStore(ServiceManager())) is None
    assert inherited_tun("wg0", Inherited()) is None


def test_sessions_are_taken_once(left: Left) -> None:
    left.sessions = "".join(encode_sessions([SESSION]))
    found = left.take()
    assert found is not None
    assert found.sessions == (SESSION,)
    assert found.restorations == 0
    assert os.fstat(left.copies[0]).st_size == 0
    left.udp, left.sessions = (), ""  # as the next process would find it
    found = left.take()
    assert found is not None
    assert found.sessions is None
    assert found.restorations == 1


def _other_port(left: Left) -> None:
    left.saved(port=left.port + 1)


def _no_port(left: Left) -> None:
    left.state = "nonsense"


def _elsewhere(left: Left) -> None:
    make_rdomain(1)
    with inside_rdomain(1):
        bound = BoundSockets.bind(left.port, 0)
    left.udp = tuple(each.detach() for each in bound.sockets)


def _two_of_one_family(left: Left) -> None:
    left.udp = (left.udp[0], os.dup(left.udp[0]))


def _no_sockets(left: Left) -> None:
    left.udp = (os.open(os.devnull, os.O_RDONLY), *left.udp[:0])


@pytest.mark.parametrize(
    "change", [_other_port, _no_port, _elsewhere, _two_of_one_family, _no_sockets]
)
def test_sockets_that_are_not_those_of_the_state_are_closed(
    left: Left, change: Callable[[Left], None]
) -> None:
    change(left)
    found = left.take()
    assert found is not None
    assert found.sockets is None
    for each in left.udp:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(each)


def test_a_state_that_cannot_be_read_is_none(left: Left) -> None:
    left.state = left.state[:-3]
    found = left.take()
    assert found is not None
    assert found.saved is None


def test_an_interface_that_was_deleted_meanwhile_is_told(left: Left) -> None:
    subprocess.run(["ip", "link", "delete", "wg0"], check=True, timeout=10)
    with pytest.raises(InterfaceDeletedError):
        left.take()


def test_the_fourth_death_in_a_row_is_laid_to_the_state(left: Left) -> None:
    left.saved(restorations=3)
    with pytest.raises(GivenUpError, match="died 4 times in a row"):
        left.take()
    left.udp = ()
    left.sessions = "".join(encode_sessions([]))  # but the last one has not died
    found = left.take()
    assert found is not None
    assert found.restorations == 0


def test_a_socket_that_serves_another_purpose_is_not_taken(left: Left) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        left.udp = (os.dup(other.fileno()),)
    found = left.take()
    assert found is not None
    assert found.sockets is None
