"""Whatever a file changes, who is no party to it does not notice: no packet lost, no handshake.

    near ══ eth1 ══ hub ── eth2 ── far

Near has two tunnels to the hub, wg0 and wg1.  Echo requests and a TCP stream go
through them while the file of wg0 is edited, one kind of change after the other, and
netstart-wg is run.  Most changes concern another peer of wg0, or the interface, and near's
session in wg0 is looked at.  Two concern everybody in wg0: another key of the interface, which
no session can outlive, and another rdomain, which takes the addresses along for a moment.
There the untouched one is near's other tunnel; that the session in wg0 lives on when it
is moved, is looked at too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.netns.engines import (
    NETSTART_WG,
    OURS,
    KeyPair,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    new_preshared_key,
    setconf,
    show,
)
from tests.netns.hosts import Background, Host, HostMaker, hosts, link
from tests.netns.traffic import Flood, pings, wait_for_listener
from tests.netns.waiting import eventually

PORTS = {"wg0": 51820, "wg1": 51821}
INNER = {"wg0": "10.0.0", "wg1": "10.1.0"}
STREAM_PORT = 5400
REKEY_AFTER_SECONDS = 119
"""REKEY_AFTER_TIME of the WireGuard paper, of times without their fractions."""

STREAM = """
import socket, sys, time
role, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if role == "echo":
    with socket.create_server((address, port)) as listener:
        connection, _ = listener.accept()
        while octets := connection.recv(65536):
            connection.sendall(octets)
else:
    connection = socket.create_connection((address, port), timeout=10)
    number = 0
    while True:
        line = b"%011d\\n" % number
        connection.sendall(line)
        answer = b""
        while len(answer) < len(line):
            answer += connection.recv(len(line) - len(answer)) or sys.exit("closed")
        if answer != line:
            sys.exit("something else came back")
        number += 1
        if number % 50 == 0:
            print(number, flush=True)
        time.sleep(0.002)
"""


@dataclass(slots=True)
class Stream:
    """Lines that go to an echo over TCP and come back, one after the other."""

    talking: Background

    @classmethod
    def start(cls, client: Host, server: Host, address: str) -> Stream:
        server.start(sys.executable, "-c", STREAM, "echo", address, str(STREAM_PORT))
        wait_for_listener(server, STREAM_PORT)
        talking = client.start(sys.executable, "-c", STREAM, "talk", address, str(STREAM_PORT))
        stream = cls(talking)
        stream.goes_on()
        return stream

    def goes_on(self) -> None:
        """Wait until more has come back than before, all of it and in order."""
        seen = self.talking.output().count("\n")
        eventually(
            lambda: not self.talking.is_running or self.talking.output().count("\n") > seen + 1,
            what="lines that come back",
        )
        assert self.talking.is_running, self.talking.output()


@dataclass(slots=True)
class Hub:
    """The host whose file is edited, and the file."""

    host: Host
    near: Host
    folder: Path
    near_keys: dict[str, KeyPair]
    keys: dict[str, KeyPair] = field(default_factory=lambda: {n: new_key_pair() for n in PORTS})
    port: int = PORTS["wg0"]
    lines: list[str] = field(default_factory=lambda: ["inet 10.0.0.1/24"])
    others: list[PeerSection] = field(default_factory=list)
    """Peers of wg0 besides near."""

    def write(self, interface: str, *lines: str) -> None:
        file = self.folder / f"hostname.{interface}"
        file.touch(mode=0o600)
        file.write_text("".join(f"{line}\n" for line in lines))

    def apply(self, *options: str) -> None:
        near = PeerSection(public_key=self.near_keys["wg0"].public, allowed_ips=("10.0.0.2/32",))
        peers = [peer.hostname_line().rstrip("\n") for peer in (near, *self.others)]
        head = f"wgkey {self.keys['wg0'].private} wgport {self.port}"
        self.write("wg0", head, *peers, *self.lines)
        self.host.run(NETSTART_WG, "-C", str(self.folder), *options)
        assert self.host.attempt(NETSTART_WG, "-C", str(self.folder), "-n").returncode == 0

    def handshake(self, interface: str = "wg0") -> int:
        peer = show(self.host, interface).peers[self.near_keys[interface].public]
        return peer.latest_handshake


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with hosts(tmp_path_factory.mktemp("hosts")) as new_host:
        yield set_up(new_host, tmp_path_factory.mktemp("etc"))


def set_up(new_host: HostMaker, folder: Path) -> Hub:
    near, host = new_host("near"), new_host("hub")
    cable = link(near, host)
    hub = Hub(host, near, folder, {name: new_key_pair() for name in PORTS})
    hub.others = [
        PeerSection(public_key=new_key_pair().public, allowed_ips=(f"10.0.{n}.0/24",))
        for n in (2, 3)
    ]
    to_near = PeerSection(public_key=hub.near_keys["wg1"].public, allowed_ips=("10.1.0.2/32",))
    hub.write(
        "wg1",
        f"wgkey {hub.keys['wg1'].private} wgport {PORTS['wg1']}",
        to_near.hostname_line().rstrip("\n"),
        "inet 10.1.0.1/24",
    )
    hub.apply()
    for name, port in PORTS.items():
        OURS.start(near, name)
        near.run("ip", "address", "add", f"{INNER[name]}.2/24", "dev", name)
        near.run("ip", "link", "set", name, "up")
        to_hub = PeerSection(
            public_key=hub.keys[name].public,
            allowed_ips=(f"{INNER[name]}.0/24",),
            endpoint=endpoint(cable.address(host, 4), port),
        )
        own_port = port + 100
        setconf(near, name, configuration(hub.near_keys[name].private, own_port, to_hub))
        assert pings(near, f"{INNER[name]}.1")
    return hub


def no_handshake_was_made(before: int, after: int) -> bool:
    """Say so of times of the last one, but for the one that a session's age asks for."""
    return before > 0 and (after == before or after - before >= REKEY_AFTER_SECONDS)


@dataclass(slots=True)
class Watch:
    """Traffic through one tunnel, from before a change to after it."""

    hub: Hub
    interface: str
    stream: Stream
    flood: Flood
    handshake: int

    @classmethod
    def begin(cls, hub: Hub, interface: str) -> Watch:
        address = f"{INNER[interface]}.1"
        stream = Stream.start(hub.near, hub.host, address)
        return cls(hub, interface, stream, Flood(hub.near, address), hub.handshake(interface))

    def lost(self) -> list[int]:
        """End it; return the numbers of the requests that were lost."""
        lost = self.flood.stop()
        self.stream.goes_on()
        self.stream.talking.stop()
        assert no_handshake_was_made(self.handshake, self.hub.handshake(self.interface))
        return lost


def other(hub: Hub, **values: object) -> None:
    """Let the last peer of wg0 be another in some respect."""
    before = hub.others[-1]
    fields = {
        "public_key": before.public_key,
        "allowed_ips": before.allowed_ips,
        "endpoint": before.endpoint,
        "preshared_key": before.preshared_key,
        "persistent_keepalive": before.persistent_keepalive,
    }
    hub.others[-1] = PeerSection(**(fields | values))  # type: ignore[arg-type]


def add_peer(hub: Hub) -> None:
    hub.others.append(PeerSection(public_key=new_key_pair().public, allowed_ips=("10.7.0.0/16",)))


def remove_peer(hub: Hub) -> None:
    hub.others.pop()


def rekey_peer(hub: Hub) -> None:
    other(hub, public_key=new_key_pair().public)


def move_prefix(hub: Hub) -> None:
    (first, *_), last = hub.others, hub.others[-1]
    moved = (*last.allowed_ips, *first.allowed_ips)
    hub.others[0] = PeerSection(public_key=first.public_key, allowed_ips=())
    other(hub, allowed_ips=moved)


def set_endpoint(hub: Hub) -> None:
    other(hub, endpoint="192.0.2.9:51820")


def set_keepalive(hub: Hub) -> None:
    other(hub, persistent_keepalive=1)


def set_preshared_key(hub: Hub) -> None:
    other(hub, preshared_key=new_preshared_key())


def set_mtu(hub: Hub) -> None:
    hub.lines.append("mtu 1380")


def add_address(hub: Hub) -> None:
    hub.lines += ["inet alias 10.5.0.1/24", "inet6 fd00::1/64"]


def take_address(hub: Hub) -> None:
    hub.lines.remove("inet alias 10.5.0.1/24")


def add_route(hub: Hub) -> None:
    hub.lines.append("!route add 10.44.0.0/16 10.0.0.2")


def describe(hub: Hub) -> None:
    hub.lines.append('description "the way home"')


@pytest.mark.parametrize(
    "edit",
    [
        add_peer,
        rekey_peer,
        remove_peer,
        move_prefix,
        set_endpoint,
        set_keepalive,
        set_preshared_key,
        set_mtu,
        add_address,
        take_address,
        add_route,
        describe,
    ],
)
def test_an_untouched_peer_loses_nothing_and_makes_no_handshake(
    hub: Hub, edit: Callable[[Hub], None]
) -> None:
    watch = Watch.begin(hub, "wg0")
    edit(hub)
    hub.apply()
    assert watch.lost() == []


def test_when_the_port_changes_streams_go_on_and_no_handshake_is_made(hub: Hub) -> None:
    """What is on its way to the former port at that moment cannot arrive; TCP sends it again."""
    watch = Watch.begin(hub, "wg0")
    hub.port += 1000
    hub.apply()
    assert len(watch.lost()) <= 3


@pytest.mark.parametrize("options", [("--allow", "key")], ids=["key"])
def test_another_key_is_not_felt_by_another_interface(hub: Hub, options: tuple[str, ...]) -> None:
    watch = Watch.begin(hub, "wg1")
    former, hub.keys["wg0"] = hub.keys["wg0"], new_key_pair()
    hub.apply(*options)
    assert watch.lost() == []
    hub.keys["wg0"] = former
    hub.apply(*options)
    eventually(lambda: pings(hub.near, "10.0.0.1"), what="the tunnel with the former key")


def test_another_rdomain_keeps_the_session_and_is_not_felt_by_another_interface(hub: Hub) -> None:
    watch, handshake = Watch.begin(hub, "wg1"), hub.handshake()
    stay = [line for line in hub.lines if not line.startswith("!route")]
    hub.lines = ["rdomain 3", *stay]  # before the addresses: it would take them away
    hub.apply()
    assert watch.lost() == []
    assert pings(hub.near, "10.0.0.1")
    assert no_handshake_was_made(handshake, hub.handshake())
