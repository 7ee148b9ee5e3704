"""What OpenBSD's own regression test of wg(4) asks for, regress/sys/net/wg, asked of us.

    rdomain 11 ── wg11 :211 ── 127.0.0.1 in rdomain 0 ── wg12 :212 ── rdomain 12
    rdomain 13 ── wg13 :213 ──    ::1    in rdomain 0 ── wg14 :214 ── rdomain 14

Both tunnels carry IPv4 and IPv6.  For each way through them: the routes, an echo
and what of it is seen outside, and that a wrong key ends the talk at once and
the right one takes it up at once.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import lt

import pytest

from tests.netns.capture import Capture
from tests.netns.hosts import Host, hosts
from tests.netns.openbsd import ifconfig, ping, public_key
from tests.netns.waiting import eventually

TRANSPORT_DATA = 4


def random_key() -> str:
    """Return what `openssl rand -base64 32` prints."""
    return base64.b64encode(os.urandom(32)).decode()


@dataclass(frozen=True, slots=True)
class End:
    """One interface, in the rdomain of its own number."""

    number: int
    key: str = field(default_factory=random_key, repr=False)

    @property
    def interface(self) -> str:
        return f"wg{self.number}"

    @property
    def port(self) -> int:
        return 200 + self.number

    def address(self, family: int) -> str:
        """Return its inner address; `family` is 4 or 6."""
        net = (self.number + 1) // 2
        return f"10.188.{net}.{self.number}" if family == 4 else f"fdd7:188:{net}::{self.number}"


@dataclass(frozen=True, slots=True)
class Way:
    """A way through a tunnel: outside over one family, inside another, in one direction."""

    outside: int
    inside: int
    is_back: bool

    def __str__(self) -> str:
        return f"{self.inside} over {self.outside} {'back' if self.is_back else 'forth'}"


@dataclass(frozen=True, slots=True)
class Network:
    host: Host
    tunnels: dict[int, tuple[End, End]]
    """By the outer family."""
    capture: Capture

    def ends(self, way: Way) -> tuple[End, End]:
        """Return who asks and who answers."""
        first, second = self.tunnels[way.outside]
        return (second, first) if way.is_back else (first, second)


LOOPBACK = {4: "127.0.0.1", 6: "::1"}
WAYS = [
    Way(outside, inside, is_back)
    for outside in (4, 6)
    for inside in (4, 6)
    for is_back in (False, True)
]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("regress")
    tunnels = {4: (End(11), End(12)), 6: (End(13), End(14))}
    with hosts(folder) as new_host:
        host = new_host("regress")
        for outside, (first, second) in tunnels.items():
            for end in (first, second):
                create(host, end)
            for end, peer in ((first, second), (second, first)):
                introduce(host, end, peer, LOOPBACK[outside])
                ifconfig(host, end.interface, "inet", f"{end.address(4)}/24", "alias")
                ifconfig(host, end.interface, "inet6", f"{end.address(6)}/64", "alias")
        yield Network(host, tunnels, Capture(host, "lo", folder))


def create(host: Host, end: End) -> None:
    identity = ("wgport", str(end.port), "wgkey", end.key)
    ifconfig(host, end.interface, "create", *identity, "rdomain", str(end.number))


def introduce(host: Host, end: End, peer: End, loopback: str) -> None:
    allowed = ("wgaip", f"{peer.address(4)}/32", "wgaip", f"{peer.address(6)}/128")
    key, port = public_key(host, peer.interface), str(peer.port)
    ifconfig(host, end.interface, "wgpeer", key, "wgendpoint", loopback, port, *allowed)


def route(host: Host, end: End, address: str) -> tuple[str | None, str]:
    """Return the type and the interface of the route to an address, in the rdomain of an end."""
    words = ("-j", "-n", f"rdomain{end.number}", "route", "get", address, "fibmatch")
    (found,) = json.loads(host.run("ip", *words))
    return found.get("type"), found["dev"]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_own_address_is_local_and_the_peers_is_behind_the_interface(
    network: Network, way: Way
) -> None:
    here, there = network.ends(way)
    assert route(network.host, here, here.address(way.inside)) == ("local", here.interface)
    assert route(network.host, here, there.address(way.inside)) == (None, here.interface)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_an_echo_crosses_the_tunnel_as_transport_data(network: Network, way: Way) -> None:
    here, there = network.ends(way)
    assert ping(network.host, here.number, here.address(way.inside))
    before = sent(network, here, way), sent(network, there, way)
    assert ping(network.host, here.number, there.address(way.inside))
    for end, count in zip((here, there), before, strict=True):
        eventually(partial(sent, network, end, way), partial(lt, count))


def sent(network: Network, end: End, way: Way) -> int:
    """Return how many datagrams with transport data an end was seen to send so far."""
    messages = network.capture.messages(LOOPBACK[way.outside])
    return sum((m.source_port, m.type) == (end.port, TRANSPORT_DATA) for m in messages)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_wrong_key_ends_the_talk_and_the_right_one_takes_it_up_at_once(
    network: Network, way: Way
) -> None:
    here, there = network.ends(way)
    target = there.address(way.inside)
    ifconfig(network.host, here.interface, "wgkey", random_key())
    try:
        assert not ping(network.host, here.number, target, wait_seconds=0.5)
    finally:
        ifconfig(network.host, here.interface, "wgkey", here.key)
    assert ping(network.host, here.number, target, wait_seconds=1)


def test_the_outside_of_all_of_them_is_in_rdomain_0(network: Network) -> None:
    listening = network.host.run("ss", "-Hlnu")
    ends = [end for tunnel in network.tunnels.values() for end in tunnel]
    assert all(f":{end.port} " in listening for end in ends)
    for end in ends:
        inside = network.host.run("ip", "netns", "exec", f"rdomain{end.number}", "ss", "-Hlnu")
        assert inside == ""
