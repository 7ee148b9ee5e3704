"""An engine as a service: killed, restarted, stopped by a service manager that keeps descriptors.

Host("left")                                  Host("right")
  service_manager.py ─ netstart-wgd ── eth1 ── netstart-wgd
  wg0 10.77.0.1                                wg0 10.77.0.2
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.uapi import UapiError, decode_get
from tests.netns.engines import (
    NETSTART_WGD,
    OURS,
    PeerSection,
    endpoint,
    new_key_pair,
    new_preshared_key,
    setconf,
    show,
)
from tests.netns.engines import configuration as text_of
from tests.netns.hosts import Background, Host, HostMaker, Link, link
from tests.netns.traffic import Flood, pings
from tests.netns.uapi import configure, state
from tests.netns.waiting import eventually

SCRIPT = str(Path(__file__).with_name("service_manager.py"))
SOCKET = "/var/run/wireguard/wg0.sock"
PORT = 51820
LEFT, RIGHT = "10.77.0.1", "10.77.0.2"


@dataclass(frozen=True, slots=True)
class Service:
    """An engine of the left host and its service manager."""

    host: Host
    manager: Background

    @classmethod
    def start(cls, host: Host, *, watchdog_seconds: float = 60) -> Service:
        words = (sys.executable, "-IS", SCRIPT, str(watchdog_seconds), NETSTART_WGD, "-f", "wg0")
        service = cls(host, host.start(*words))
        service.wait_for("ready")
        return service

    def said(self, *words: str) -> list[str]:
        """Return the lines that begin so, in order."""
        prefix = " ".join(words)
        return [each for each in self.manager.output().splitlines() if each.startswith(prefix)]

    def wait_for(self, *words: str, count: int = 1) -> str:
        said = eventually(
            partial(self.said, *words),
            lambda lines: len(lines) >= count or not self.manager.is_running,
            within=30,
            what=f"{' '.join(words)}: {self.manager.output()}",
        )
        assert len(said) >= count, self.manager.output()
        return said[count - 1]

    @property
    def engine(self) -> int:
        """The number of its main process."""
        engines = self.host.processes("netstart-wgd")
        parents = {number: _parent(number) for number in engines}
        (engine,) = [number for number, parent in parents.items() if parent == self.manager.pid]
        return engine

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill the engine and wait until another is ready."""
        before = len(self.said("ready"))
        os.kill(self.engine, number)
        self.wait_for("ready", count=before + 1)

    def restart(self) -> None:
        before = len(self.said("ready"))
        self.manager.send_signal(signal.SIGHUP)
        self.wait_for("ready", count=before + 1)

    def hold_and_kill(self) -> None:
        """Kill the engine, and let no other be started yet."""
        self.manager.send_signal(signal.SIGUSR1)
        self.wait_for("held")
        before = len(self.said("ended"))
        os.kill(self.engine, signal.SIGKILL)
        self.wait_for("ended", count=before + 1)

    def go_on(self) -> None:
        before = len(self.said("started"))
        self.manager.send_signal(signal.SIGUSR2)
        self.wait_for("started", count=before + 1)

    def wait_until_saved(self, port: int = PORT) -> None:
        """Return when the store has the engine's configuration as it is now."""
        now = port, lasting(state(self.host, "wg0")).peers
        eventually(lambda: now in self._saved(), what="the configuration in the store")

    def _saved(self) -> list[tuple[int, tuple[PeerState, ...]]]:
        found = []
        for file in Path(f"/proc/{self.manager.pid}/fd").iterdir():
            with suppress(OSError, UapiError):
                if "memfd:netstart-wgd state" in str(file.readlink()):
                    saved = lasting(decode_get(file.read_text()))
                    found.append((saved.listen_port, saved.peers))
        return found


def _parent(number: int) -> int:
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])


@dataclass(frozen=True, slots=True)
class Tunnel:
    service: Service
    right: Host
    cable: Link
    peer: str
    """The right one's public key."""

    @property
    def left(self) -> Host:
        return self.service.host


@pytest.fixture
def tunnel(new_host: HostMaker) -> Iterator[Tunnel]:
    """Both ends configured and up, and the right one reached; the left one knows the way."""
    left, right = new_host("left"), new_host("right")
    cable = link(left, right)
    service = Service.start(left)
    OURS.start(right, "wg0")
    keys, others = new_key_pair(), new_key_pair()
    preshared = new_preshared_key()
    where = endpoint(cable.address(right, 4), PORT)
    to_right = PeerSection(
        public_key=others.public,
        allowed_ips=(f"{RIGHT}/32",),
        endpoint=where,
        preshared_key=preshared,
    )
    to_left = PeerSection(
        public_key=keys.public, allowed_ips=(f"{LEFT}/32",), preshared_key=preshared
    )
    setconf(left, "wg0", text_of(keys.private, PORT, to_right))
    setconf(right, "wg0", text_of(others.private, PORT, to_left))
    for host, address in ((right, RIGHT), (left, LEFT)):
        host.run("ip", "address", "add", f"{address}/24", "dev", "wg0")
        host.run("ip", "link", "set", "wg0", "up")
        show(host, "wg0")  # it has looked, and its sockets are open
    assert pings(left, RIGHT)
    yield Tunnel(service, right, cable, others.public)
    service.manager.stop()


def identity(host: Host) -> tuple[str, str]:
    """Return what a new interface would not have: its index, and its addresses and routes."""
    index = host.run("cat", "/sys/class/net/wg0/ifindex")
    addresses = host.run("ip", "-o", "address", "show", "dev", "wg0")
    return index + addresses, host.run("ip", "route")


def lasting(seen: WireGuardState) -> WireGuardState:
    """Return a state without what traffic changes."""
    peers = [replace(each, tx_bytes=0, rx_bytes=0, last_handshake_ns=0) for each in seen.peers]
    return replace(seen, peers=tuple(peers), drops=(), send_errors=(), fingerprint=None)


def test_killed_under_a_flood_it_comes_back_with_everything(tunnel: Tunnel) -> None:
    left, service = tunnel.left, tunnel.service
    groups = DeviceChange(
        groups=("vpn", "office"),
        fwmark=77,
        peers=(PeerChange(public_key=PublicKey.from_base64(tunnel.peer), description="Zoë"),),
    )
    assert configure(left, "wg0", groups) == 0
    before, link_before = lasting(state(left, "wg0")), identity(left)
    service.wait_until_saved()
    ways = (Flood(left, RIGHT, interval=0.01), Flood(tunnel.right, LEFT, interval=0.01))
    for number in (signal.SIGKILL, signal.SIGSEGV):
        seen = [len(way.replies()) for way in ways]
        service.kill(number)
        for way, count in zip(ways, seen, strict=True):
            eventually(lambda way=way, more=count + 100: len(way.replies()) > more)  # type: ignore[misc]
    for way in ways:
        way.stop()
    assert lasting(state(left, "wg0")) == before
    assert identity(left) == link_before
    assert service.said("ended") == ["ended -9", "ended -11"]
    assert not service.said("stranger")


def test_restarted_in_order_under_a_flood_it_loses_nothing(tunnel: Tunnel) -> None:
    left, service = tunnel.left, tunnel.service
    link_before, shown = identity(left), show(left, "wg0")
    ways = (Flood(left, RIGHT, interval=0.01), Flood(tunnel.right, LEFT, interval=0.01))
    for _ in range(2):
        before = show(left, "wg0").peers[tunnel.peer]
        service.restart()
        after = show(left, "wg0").peers[tunnel.peer]
        assert after.received_bytes > before.received_bytes > 1000
        assert after.sent_bytes > before.sent_bytes > 1000
    assert [way.stop() for way in ways] == [[], []]
    assert show(left, "wg0").peers[tunnel.peer].latest_handshake == (
        shown.peers[tunnel.peer].latest_handshake
    )
    assert identity(left) == link_before
    assert service.said("ended") == ["ended 0", "ended 0"]
    # sessions are used once: as soon as they are read they are in the store no more
    assert len(service.said("stored sessions")) == len(service.said("removed sessions")) == 2


def test_what_is_taken_over_is_read_by_the_engine_alone(tunnel: Tunnel) -> None:
    left, service = tunnel.left, tunnel.service
    service.restart()
    service.wait_until_saved()
    service.kill()
    private_key = state(left, "wg0").private_key
    assert private_key is not None
    written = (private_key.to_bytes(), private_key.to_hex().encode())
    (opener,) = left.processes("opener of wg0")
    assert any(each in _memory(service.engine) for each in written)
    assert not any(each in _memory(opener) for each in written)


def _memory(process: int) -> bytes:
    """Return what a process can write to."""
    found = b""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            begin, end = (int(each, 16) for each in place.split("-"))
            if "w" in rights:
                memory.seek(begin)
                found += memory.read(end - begin)
    return found


def test_stopped_for_good_it_leaves_nothing(tunnel: Tunnel) -> None:
    left, service = tunnel.left, tunnel.service
    service.manager.send_signal(signal.SIGTERM)
    assert service.manager.wait() == 0
    assert service.said("stopping")
    assert not left.has_interface("wg0")
    assert not left.exists(SOCKET)
    eventually(partial(left.processes, "netstart-wgd"), lambda found: not found)
    assert not re.search(rf":{PORT}\b", left.run("ss", "-Hlnu"))


def test_an_interface_that_is_deleted_ends_it_and_takes_everything_out_of_the_store(
    tunnel: Tunnel,
) -> None:
    tunnel.left.run("ip", "link", "delete", "wg0")
    assert tunnel.service.wait_for("ended") == "ended 0"
    assert len(tunnel.service.said("started")) == 1
    assert not tunnel.service.said("closed")
    assert not tunnel.left.exists(SOCKET)


def test_an_interface_that_is_deleted_while_it_is_dead_stays_deleted(tunnel: Tunnel) -> None:
    service = tunnel.service
    service.hold_and_kill()
    tunnel.left.run("ip", "link", "delete", "wg0")
    service.wait_for("lost tun")
    service.go_on()
    assert service.wait_for("ended", count=2) == "ended 0"
    assert not tunnel.left.has_interface("wg0")
    assert service.said("status")[-1] == "status its interface was deleted"


def test_while_it_is_dead_the_interface_and_the_port_are_there(tunnel: Tunnel) -> None:
    left, service = tunnel.left, tunnel.service
    inode = _socket_inodes(left)
    service.hold_and_kill()
    assert identity(left)[0]
    assert _socket_inodes(left) == inode != set()
    eventually(lambda: left.exists(SOCKET), lambda there: not there)
    service.go_on()
    service.wait_for("ready", count=2)
    assert _socket_inodes(left) == inode
    assert pings(tunnel.right, LEFT)


def _socket_inodes(host: Host, *where: str) -> set[str]:
    """Tell UDP sockets of the port from others that would have been opened anew."""
    listed = host.run(*where, "ss", "-Hlnue", f"sport = :{PORT}")
    return set(re.findall(r"ino:(\d+)", listed))


def test_sockets_in_an_rdomain_are_taken_over_where_they_are(tunnel: Tunnel) -> None:
    left, service = tunnel.left, tunnel.service
    left.run("ip", "netns", "add", "rdomain5")
    assert configure(left, "wg0", DeviceChange(wgrtable=5)) == 0
    inside = ("ip", "netns", "exec", "rdomain5")
    inode = _socket_inodes(left, *inside)
    assert len(inode) == 2
    assert not _socket_inodes(left)
    service.wait_until_saved()
    service.kill()
    assert _socket_inodes(left, *inside) == inode
    assert state(left, "wg0").wgrtable == 5
    service.restart()
    assert _socket_inodes(left, *inside) == inode
    assert configure(left, "wg0", DeviceChange(wgrtable=0)) == 0
    assert not _socket_inodes(left, *inside)
    eventually(partial(pings, left, RIGHT))


def test_another_port_is_free_of_the_former_one_at_once(tunnel: Tunnel) -> None:
    left = tunnel.left
    for port in (4711, PORT, 4711):
        assert configure(left, "wg0", DeviceChange(listen_port=port)) == 0
    assert configure(left, "wg0", DeviceChange(listen_port=PORT)) == 0
    left.run("ip", "link", "set", "wg0", "down")
    eventually(partial(_socket_inodes, left), lambda found: not found)
    tunnel.service.kill()
    left.run("ip", "link", "set", "wg0", "up")
    eventually(partial(pings, left, RIGHT))


def test_a_state_that_brings_down_one_engine_after_the_other_is_given_up(tunnel: Tunnel) -> None:
    service = tunnel.service
    for _ in range(3):
        service.kill()
        service.wait_until_saved()
    os.kill(service.engine, signal.SIGKILL)
    service.wait_for("ended 1")
    assert "died 4 times in a row" in service.said("status")[-1]
    eventually(partial(tunnel.left.has_interface, "wg0"), lambda there: not there)
    assert not tunnel.left.exists(SOCKET)


def test_an_engine_that_hangs_is_killed_by_the_watchdog_and_one_that_works_is_not(
    new_host: HostMaker,
) -> None:
    host = new_host("hangs")
    service = Service.start(host, watchdog_seconds=4)
    host.run("ip", "link", "set", "wg0", "up")
    index, port = identity(host), show(host, "wg0").listen_port
    service.wait_until_saved(port)
    os.kill(service.engine, signal.SIGSTOP)
    service.wait_for("watchdog")
    os.kill(service.engine, signal.SIGCONT)
    service.wait_for("ready", count=2)
    assert service.said("ended") == ["ended -6"]
    assert identity(host) == index
    assert show(host, "wg0").listen_port == port, "one that the system had chosen"
    service.manager.stop()


def test_why_it_cannot_start_is_its_status(new_host: HostMaker) -> None:
    host = new_host("refused")
    host.run("ip", "link", "add", "wg0", "type", "veth", "peer", "name", "wg1")
    words = (sys.executable, "-IS", SCRIPT, "60", NETSTART_WGD, "-f", "wg0")
    service = Service(host, host.start(*words))
    service.wait_for("ended 1")
    assert "it exists already" in service.said("status")[0]
    service.manager.stop()
