"""Everything through the tunnel: nothing beside it or in circles, and what is near stays near.

client ── eth1 ── gateway ── eth2 ── server, which has the Internet's addresses on its loopback

Without the tunnel the client reaches them by way of the gateway, too, so that a
packet which leaves beside the tunnel is seen there.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.netns.engines import NETSTART_WG, PeerSection, endpoint, new_key_pair, show
from tests.netns.hosts import Background, Host, HostMaker, Link, link
from tests.netns.test_netstart import LEFT_ADDRESSES, PORT, RIGHT_ADDRESSES, EventMonitor, Machine
from tests.netns.traffic import pings
from tests.netns.waiting import eventually

INTERNET = ("198.51.100.1", "2001:db8:ffff::1")
MARKED = "not from all fwmark 0x770000/0xffff0000"


@dataclass(frozen=True, slots=True)
class World:
    client: Machine
    gateway: Host
    server: Machine
    near: Link
    far: Link

    def write(self, *allowed_ips: str, family: int = 4, more: tuple[str, ...] = ()) -> None:
        """Write both files; the client sends these through the tunnel."""
        to_server = PeerSection(
            public_key=self.server.keys.public,
            allowed_ips=allowed_ips,
            endpoint=endpoint(self.far.address(self.server.host, family), PORT),
        )
        self.client.write(to_server.hostname_line(), *LEFT_ADDRESSES, *more)
        self.set('routes = "allowed-ips"')
        to_client = PeerSection(
            public_key=self.client.keys.public, allowed_ips=("10.0.0.1/32", "fd77::1/128")
        )
        self.server.write(to_client.hostname_line(), *RIGHT_ADDRESSES)

    def set(self, text: str) -> None:
        (self.client.folder / "netstart-wg.toml").write_text(text + "\n")

    def start(self) -> None:
        self.server.netstart_well()
        self.client.netstart_well()

    def reaches_internet(self) -> bool:
        return all(pings(self.client.host, address) for address in INTERNET)

    def reaches_none_of_internet(self) -> bool:
        once = ("ping", "-n", "-c", "1", "-W", "1")
        return all(self.client.host.attempt(*once, address).returncode for address in INTERNET)

    def routing(self) -> list[str]:
        """Return every route and rule of the client."""
        commands = ("-4 rule", "-6 rule", "-4 route show table all", "-6 route show table all")
        script = "; ".join(f"ip {command}" for command in commands)
        lines = self.client.host.run("sh", "-c", script).splitlines()
        words = (" ".join(line.split()) for line in lines)
        return sorted(line for line in words if "127.0.0." not in line)  # EventMonitor's


class EchoRequests:
    """Those that cross the cable between client and gateway as they are, not inside of UDP."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: Background = world.gateway.start(
            *("tcpdump", "-i", world.near.interface, "-n", "-l", "--immediate-mode"),
            "icmp[icmptype] == icmp-echo or (icmp6 and ip6[40] == 128)",
        )
        eventually(lambda: "listening on" in self._seen.output(), what="tcpdump")

    def destinations(self) -> set[str]:
        """Return where they went; the client's own to the gateway are the last to be seen."""
        world = self._world
        near = {world.near.address(world.gateway, family) for family in (4, 6)}
        for address in near:
            assert pings(world.client.host, address), "what is near is reached"
        return set(eventually(self._found, near.issubset))

    def _found(self) -> set[str]:
        lines = [line for line in self._seen.output().splitlines() if "echo request" in line]
        return {line.split(" > ")[1].split(": ")[0] for line in lines}


@pytest.fixture
def world(new_host: HostMaker, tmp_path: Path) -> World:
    client, server = (Machine(new_host(name), tmp_path / name) for name in ("client", "server"))
    gateway = new_host("gateway")
    near, far = link(client.host, gateway, 1), link(gateway, server.host, 2)
    for setting in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
        gateway.run("sysctl", "-q", "-w", f"net.{setting}=1")
    for family in (4, 6):
        for host, cable in ((client.host, near), (server.host, far)):
            via = cable.address(gateway, family)
            host.run("ip", f"-{family}", "route", "add", "default", "via", via)
    for address, family in zip(INTERNET, (4, 6), strict=True):
        server.host.run("ip", "address", "add", address, "dev", "lo")
        via = far.address(server.host, family)
        gateway.run("ip", f"-{family}", "route", "add", address, "via", via)
    return World(client, gateway, server, near, far)


@pytest.mark.parametrize("family", [4, 6])
def test_all_goes_through_the_tunnel_but_the_tunnel_itself_and_what_is_near(
    world: World, family: int
) -> None:
    before = world.routing()
    world.write("0.0.0.0/0", "::/0", family=family)
    assert world.reaches_internet(), "as it is without the tunnel"
    requests = EchoRequests(world)
    world.start()
    assert world.reaches_internet()
    assert requests.destinations().isdisjoint(INTERNET)
    (peer,) = show(world.server.host, "wg0").peers.values()
    outside = world.near.address(world.client.host, family)
    assert peer.endpoint is not None
    assert peer.endpoint.startswith((outside, f"[{outside}]"))

    # again: nothing is written, and what is told is that nothing differs
    monitor = EventMonitor(world.client.host)
    assert world.client.netstart_well() == ""
    assert world.client.netstart_well("-n") == ""
    assert monitor.events() == []

    # without the setting it is gone, and without the interface all is as it was
    world.set('routes = "file"')
    world.client.netstart_well()
    assert show(world.client.host, "wg0").fwmark == 0
    left = [line for line in world.routing() if "wg0" not in line]
    assert left == before
    world.set('routes = "allowed-ips"')
    world.client.netstart_well()
    assert world.reaches_internet()
    world.client.write("destroy")
    world.client.netstart_well()
    assert world.routing() == before


def test_nothing_leaves_beside_a_tunnel_that_leads_nowhere(world: World) -> None:
    world.write("0.0.0.0/0", "::/0")
    world.start()
    assert world.reaches_internet()
    requests = EchoRequests(world)

    # the other end is gone
    world.server.write("destroy")
    world.server.netstart_well()
    assert world.reaches_none_of_internet()
    assert requests.destinations().isdisjoint(INTERNET)

    # our own engine is gone, and its interface with it
    (engine,) = world.client.host.processes("netstart_wgd")
    os.kill(engine, signal.SIGKILL)
    eventually(partial(world.client.host.has_interface, "wg0"), lambda there: not there)
    assert world.reaches_none_of_internet()
    assert requests.destinations().isdisjoint(INTERNET)

    # and both are back
    world.write("0.0.0.0/0", "::/0")
    world.start()
    assert world.reaches_internet()
    assert requests.destinations().isdisjoint(INTERNET)

    # taken down by hand it leads nowhere either
    world.client.host.run("ip", "link", "set", "wg0", "down")
    assert world.reaches_none_of_internet()
    assert requests.destinations().isdisjoint(INTERNET)
    world.client.netstart_well()
    assert world.reaches_internet()


def test_what_is_taken_away_by_hand_is_noticed_and_put_back(world: World) -> None:
    world.write("0.0.0.0/0", "::/0")
    world.start()
    before = world.routing()
    table = 0x770000
    for damage in (
        ("rule del priority 32764", "-6 rule del priority 32765"),
        (f"route del default dev wg0 table {table}", f"-6 route del default dev lo table {table}"),
    ):
        for words in damage:
            world.client.host.run("ip", *words.split())
        folder = str(world.client.folder)
        found = world.client.host.attempt(NETSTART_WG, "check", "--live", "-C", folder)
        assert (found.returncode, found.stdout.count("drift")) == (2, 2), found
        world.client.netstart_well()
        assert world.routing() == before, damage
    world.client.host.run("wg", "set", "wg0", "fwmark", "0")
    world.client.netstart_well()
    assert world.reaches_internet()


def test_what_others_have_in_the_routing_stays_as_it_is(world: World) -> None:
    """Rules at our priorities, a default route, routes to our destinations, our first table."""
    host, via = world.client.host, world.near.address(world.gateway, 4)
    theirs = [
        ("rule", "add", "priority", "32765", "not", "fwmark", "0x770000/0xffff0000", "lookup", "7"),
        ("rule", "add", "priority", "32764", "from", "10.9.9.9", "lookup", "main"),
        ("route", "add", "10.1.0.0/16", "via", via, "metric", "9"),
        ("route", "add", "10.2.0.0/16", "via", via, "metric", "8"),
        ("route", "add", "10.7.0.0/16", "via", via, "table", str(0x770000)),
    ]
    for words in theirs:
        host.run("ip", *words)
    before = world.routing()
    world.write("0.0.0.0/0", "10.1.0.0/16", "10.2.0.0/16")
    world.server.netstart_well()
    result = world.client.netstart()
    assert result.returncode == 3, result
    assert "10.2.0.0/16" in result.stderr, "that is somebody else's, down to its metric"
    found = world.routing()
    assert set(before).issubset(found)
    ours = {line for line in found if "proto 119" in line}
    table = 0x770001
    assert {line for line in ours if "rule" not in line and "lookup" in line} == {
        "32764: not from all fwmark 0x770001/0xffff0000 lookup main suppress_prefixlength 0"
        " proto 119",
        f"32765: not from all fwmark 0x770001/0xffff0000 lookup {table} proto 119",
    }
    assert "10.1.0.0/16 dev wg0 proto 119 scope link metric 8" in ours
    assert pings(host, INTERNET[0])
    world.client.write("destroy")
    world.client.netstart_well()
    assert world.routing() == before


def test_halves_of_everything_are_plain_routes_and_the_endpoint_has_its_own(world: World) -> None:
    to_endpoint = world.far.address(world.server.host, 4)
    via = world.near.address(world.gateway, 4)
    world.write("0.0.0.0/1", "128.0.0.0/1", more=(f"!route add {to_endpoint} {via}",))
    requests = EchoRequests(world)
    world.start()
    assert not any("fwmark" in line for line in world.routing())
    assert pings(world.client.host, INTERNET[0])
    assert INTERNET[0] not in requests.destinations()
    assert world.client.netstart_well() == ""


def test_in_an_rdomain_of_its_own_a_default_route_is_one_like_any_other(world: World) -> None:
    world.write("0.0.0.0/0", "::/0", more=("rdomain 1",))
    world.client.write(
        *world.client.file.read_text().splitlines()[1:2], "rdomain 1", *LEFT_ADDRESSES
    )
    world.start()
    host = world.client.host
    routes = json.loads(host.run("ip", "-n", "rdomain1", "-j", "route", "show", "default"))
    assert [(route["dev"], route["protocol"]) for route in routes] == [("wg0", "119")]
    for address in INTERNET:
        host.run("ip", "netns", "exec", "rdomain1", "ping", "-n", "-c", "1", "-W", "5", address)
    assert not any("119" in line for line in world.routing())
    assert world.client.netstart_well() == ""


def test_a_filter_that_would_drop_answers_is_told_of(world: World) -> None:
    world.client.host.run("sysctl", "-q", "-w", "net.ipv4.conf.eth1.rp_filter=1")
    world.write("0.0.0.0/0")
    world.server.netstart_well()
    result = world.client.netstart()
    assert result.returncode == 3
    assert "rp_filter" in result.stderr
    assert not pings(world.client.host, INTERNET[0])
    world.client.host.run("sysctl", "-q", "-w", "net.ipv4.conf.all.rp_filter=2")
    eventually(partial(pings, world.client.host, INTERNET[0]), within=20)


def test_of_two_such_tunnels_neither_swallows_the_other(world: World) -> None:
    world.write("0.0.0.0/0")
    keys = {"client": new_key_pair(), "server": new_key_pair()}
    address = world.far.address(world.server.host, 4)
    for machine, me, other, lines in (
        (world.server, "server", "client", "wgaip 10.8.0.1/32\ninet 10.8.0.2/24"),
        (world.client, "client", "server", f"wgaip 0.0.0.0/0 wgendpoint {address} {PORT + 1}"),
    ):
        file = machine.folder / "hostname.wg1"
        file.touch(mode=0o600)
        own = "" if me == "server" else "\ninet 10.8.0.1/24"
        key = f"wgkey {keys[me].private} wgport {PORT + 1}\n"
        file.write_text(f"{key}wgpeer {keys[other].public} {lines}{own}\n")
    requests = EchoRequests(world)
    world.start()
    host = world.client.host
    assert pings(host, INTERNET[0])
    for inside in ("10.0.0.2", "10.8.0.2"):
        assert pings(host, inside)
    assert requests.destinations().isdisjoint(INTERNET)
    outside = world.near.address(host, 4)
    for interface in ("wg0", "wg1"):
        (peer,) = show(world.server.host, interface).peers.values()
        assert peer.endpoint is not None
        assert peer.endpoint.startswith(f"{outside}:"), "not by way of the other tunnel"
    assert world.client.netstart_well() == ""
    host.run(NETSTART_WG, "ifconfig", "wg0", "destroy")
    eventually(partial(pings, host, INTERNET[0]), within=15)
    assert requests.destinations().isdisjoint(INTERNET)
