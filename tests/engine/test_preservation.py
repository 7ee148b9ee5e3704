"""When an engine's state is written, and that it is whole whenever it is."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from netstart_wg.engine import memory_file
from netstart_wg.engine.descriptor_store import DescriptorStore, Stored
from netstart_wg.engine.notify import ServiceManager
from netstart_wg.engine.preservation import LIVED_NS, Preservation
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey
from netstart_wg.model.saved import SavedDevice
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.protocol.device import PEERS_AT_ONCE
from netstart_wg.uapi.saved import decode_saved, decode_sessions
from tests.engine.simulation import SECOND, Host, Simulation


class Shelf:
    """The other end of a store: it reads what it is given."""

    def __init__(self, address: Path) -> None:
        self._address = str(address)
        self._texts: list[tuple[Stored, str]] = []
        self.store = DescriptorStore(ServiceManager(self._address))
        self.open()

    def open(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._address)
        self._socket.setblocking(False)

    def close(self) -> None:
        """Take nothing any more."""
        self._socket.close()
        Path(self._address).unlink()

    @property
    def texts(self) -> list[tuple[Stored, str]]:
        """All so far, in order."""
        while True:
            try:
                lines, descriptors, _, _ = socket.recv_fds(self._socket, 4096, 8)
            except BlockingIOError:
                return self._texts
            _, _, name = lines.decode().partition("FDNAME=")
            for each in descriptors:
                self._texts.append((Stored(name.partition(".")[0]), memory_file.read(each)))
                os.close(each)

    def states(self) -> list[SavedDevice]:
        return [decode_saved(text) for kind, text in self.texts if kind is Stored.STATE]


@pytest.fixture
def host() -> Host:
    return Simulation().host("192.0.2.1", "10.0.0.1")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path / "notify")
    yield shelf
    shelf.close()


@pytest.fixture
def preservation(host: Host, shelf: Shelf) -> Iterator[Preservation]:
    before = _open_descriptors()
    each = Preservation(
        shelf.store, host.device, lambda: 4711, host.now.boottime_ns, restorations=2
    )
    yield each
    each.close()
    assert _open_descriptors() == before


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def peers(count: int, *, start: int = 0) -> DeviceChange:
    chance = random.Random(start)
    return DeviceChange(
        peers=tuple(
            PeerChange(
                public_key=public_key_of(PrivateKey(chance.randbytes(32))),
                add_allowed_ips=(ip_network(f"10.{start}.{number // 256}.{number % 256}"),),
            )
            for number in range(count)
        )
    )


def test_it_is_written_at_once_and_again_when_something_has_changed(
    host: Host, shelf: Shelf, preservation: Preservation
) -> None:
    now_ns = host.now.boottime_ns
    assert preservation.due_ns is not None
    assert preservation.due_ns <= now_ns
    preservation.advance(now_ns)
    (first,) = shelf.states()
    assert first.state == host.device.own_state()
    assert (first.sockets_namespace, first.restorations) == (4711, 2)
    host.tunnel.configure(peers(3), host.now)
    assert preservation.due_ns > now_ns
    preservation.advance(now_ns)
    assert len(shelf.states()) == 1
    preservation.advance(preservation.due_ns)
    assert len(shelf.states()[-1].peers) == 3
    preservation.advance(now_ns + SECOND)
    assert len(shelf.states()) == 2


def test_many_peers_are_written_a_few_at_a_time_and_appear_together(
    host: Host, shelf: Shelf, preservation: Preservation
) -> None:
    host.tunnel.configure(peers(5 * PEERS_AT_ONCE), host.now)
    turns = 0
    while not shelf.texts:
        preservation.advance(host.now.boottime_ns)
        turns += 1
    assert turns == 6
    (saved,) = shelf.states()
    assert tuple(each.state for each in saved.peers) == host.device.state().peers


def test_a_change_in_the_middle_begins_it_anew(
    host: Host, shelf: Shelf, preservation: Preservation
) -> None:
    host.tunnel.configure(peers(3 * PEERS_AT_ONCE), host.now)
    preservation.advance(host.now.boottime_ns)
    preservation.advance(host.now.boottime_ns)
    host.tunnel.configure(peers(PEERS_AT_ONCE, start=1), host.now)
    while not shelf.texts:
        preservation.advance(host.now.boottime_ns)
    (saved,) = shelf.states()
    assert tuple(each.state for each in saved.peers) == host.device.state().peers


def test_when_it_has_lived_for_a_while_its_restorations_count_no_more(
    host: Host, shelf: Shelf, preservation: Preservation
) -> None:
    now_ns = host.now.boottime_ns
    preservation.advance(now_ns)
    assert preservation.due_ns == now_ns + LIVED_NS
    preservation.advance(now_ns + LIVED_NS)
    assert [each.restorations for each in shelf.states()] == [2, 0]
    assert preservation.due_ns is None


def test_what_the_store_had_no_room_for_is_written_again(
    host: Host, shelf: Shelf, preservation: Preservation
) -> None:
    shelf.close()
    preservation.advance(host.now.boottime_ns)
    shelf.open()
    assert not shelf.texts
    assert preservation.due_ns is not None
    preservation.advance(preservation.due_ns)
    assert len(shelf.states()) == 1


def test_at_an_orderly_end_the_state_is_there_before_the_sessions(
    host: Host, shelf: Shelf, preservation: Preservation
) -> None:
    host.tunnel.configure(peers(2 * PEERS_AT_ONCE), host.now)
    preservation.advance(host.now.boottime_ns)
    preservation.hand_over()
    assert [kind for kind, _ in shelf.texts] == [Stored.STATE, Stored.SESSIONS]
    (saved,) = shelf.states()
    sessions = decode_sessions(shelf.texts[1][1])
    keys = [each.public_key for each in sessions]
    assert keys == [each.state.public_key for each in saved.peers]
    assert len(keys) == 2 * PEERS_AT_ONCE
    assert saved.restorations == 0


def test_without_a_store_nothing_is_ever_due(host: Host) -> None:
    preservation = Preservation(
        DescriptorStore(ServiceManager()), host.device, lambda: None, host.now.boottime_ns
    )
    assert preservation.due_ns is None
    preservation.advance(host.now.boottime_ns)
