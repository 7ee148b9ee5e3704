"""The engine with its sockets in one network namespace and its interface in another."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, ip_network

import pytest

from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey, PublicKey
from tests.netns.engines import (
    OURS,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
    show,
)
from tests.netns.hosts import Background, Host, HostMaker, link
from tests.netns.traffic import Flood, pings
from tests.netns.uapi import configure, state
from tests.netns.waiting import eventually

PORT = 51820


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    return new_host("router")


def start(host: Host, interface: str = "wg0") -> Background:
    """Start an engine; its interface has a key and a port, and is down."""
    engine = OURS.start(host, interface)
    setconf(host, interface, configuration(new_key_pair().private, PORT))
    return engine


def make_rdomain(host: Host, rdomain: int) -> None:
    host.run("ip", "netns", "add", f"rdomain{rdomain}")
    ip(host, rdomain, "link", "set", "lo", "up")


def inside(rdomain: int, *command: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", f"rdomain{rdomain}", *command) if rdomain else command


def ip(host: Host, rdomain: int, *words: str) -> str:
    namespace = ("-n", f"rdomain{rdomain}") if rdomain else ()
    return host.run("ip", *namespace, *words)


def move(host: Host, interface: str, rdomain: int) -> None:
    host.run("ip", "link", "set", interface, "netns", f"rdomain{rdomain}")


def listeners(host: Host, rdomain: int) -> list[int]:
    """Return the UDP ports open in an rdomain, one for each socket."""
    lines = host.run(*inside(rdomain, "ss", "-Hlnu")).splitlines()
    return [int(line.split()[3].rpartition(":")[2]) for line in lines]


def inode(host: Host, rdomain: int) -> int:
    command = inside(rdomain, "stat", "-L", "-c", "%i", "/proc/self/ns/net")
    return int(host.run(*command))


# -- where the sockets are ---------------------------------------------------------------------


def test_the_sockets_are_in_the_rdomain_and_nowhere_else(host: Host) -> None:
    make_rdomain(host, 3)
    start(host)
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == 0
    for _ in range(2):
        host.run("ip", "link", "set", "wg0", "up")
        assert state(host, "wg0").wgrtable == 3
        assert listeners(host, 3) == [PORT, PORT]
        assert listeners(host, 0) == []
        host.run("ip", "link", "set", "wg0", "down")
        eventually(partial(listeners, host, 3), lambda found: not found)


@pytest.mark.parametrize("is_up", [False, True], ids=["down", "up"])
def test_an_rdomain_that_there_is_not_is_refused_and_everything_stays(
    host: Host, is_up: bool
) -> None:
    start(host)
    if is_up:
        host.run("ip", "link", "set", "wg0", "up")
    before = state(host, "wg0")
    change = DeviceChange(wgrtable=3, listen_port=PORT + 1, groups=("vpn",))
    assert configure(host, "wg0", change) == errno.ENOENT
    assert state(host, "wg0") == before
    assert listeners(host, 0) == [PORT] * (2 if is_up else 0)


@pytest.mark.parametrize("is_up", [False, True], ids=["down", "up"])
def test_a_port_that_is_taken_in_the_other_rdomain_is_refused(host: Host, is_up: bool) -> None:
    make_rdomain(host, 3)
    start(host, "wg0")
    start(host, "wg1")
    assert configure(host, "wg1", DeviceChange(wgrtable=3)) == 0
    host.run("ip", "link", "set", "wg1", "up")
    assert state(host, "wg1").wgrtable == 3, "and it has heard that it is up"
    if is_up:
        host.run("ip", "link", "set", "wg0", "up")
    before = state(host, "wg0")
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == errno.EADDRINUSE
    assert state(host, "wg0") == before
    assert configure(host, "wg0", DeviceChange(wgrtable=3, listen_port=0)) == 0
    host.run("ip", "link", "set", "wg0", "up")
    assert state(host, "wg0").listen_port not in (0, PORT)


def test_an_interface_goes_up_when_its_rdomain_comes_and_complains_once(host: Host) -> None:
    make_rdomain(host, 3)
    engine = start(host)
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == 0
    host.run("ip", "netns", "delete", "rdomain3")
    host.run("ip", "link", "set", "wg0", "up")
    for _ in range(3):
        state(host, "wg0")
    assert engine.output().count("wgrtable 3: No such file") == 1
    make_rdomain(host, 3)
    state(host, "wg0")
    assert listeners(host, 3) == [PORT, PORT]


@pytest.mark.parametrize("change", [DeviceChange(wgrtable=3), DeviceChange(listen_port=PORT)])
def test_sockets_of_an_rdomain_that_was_made_again_are_opened_anew(
    host: Host, change: DeviceChange
) -> None:
    make_rdomain(host, 3)
    start(host)
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == 0
    host.run("ip", "link", "set", "wg0", "up")
    assert state(host, "wg0").wgrtable == 3
    host.run("ip", "netns", "delete", "rdomain3")
    assert state(host, "wg0").wgrtable is None
    assert configure(host, "wg0", change) == errno.ENOENT
    make_rdomain(host, 3)
    assert state(host, "wg0").wgrtable is None
    assert configure(host, "wg0", DeviceChange(fwmark=7)) == 0
    assert listeners(host, 3) == []
    assert configure(host, "wg0", change) == 0
    assert listeners(host, 3) == [PORT, PORT]
    assert state(host, "wg0").wgrtable == 3


def test_sockets_of_an_rdomain_that_was_deleted_come_back_to_the_engines_own(host: Host) -> None:
    make_rdomain(host, 3)
    start(host)
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == 0
    host.run("ip", "link", "set", "wg0", "up")
    assert state(host, "wg0").wgrtable == 3
    host.run("ip", "netns", "delete", "rdomain3")
    assert configure(host, "wg0", DeviceChange(wgrtable=0)) == 0
    assert listeners(host, 0) == [PORT, PORT]
    assert state(host, "wg0").wgrtable == 0


def test_an_rdomain_that_was_deleted_is_told_of_as_gone_while_the_interface_is_down(
    host: Host,
) -> None:
    make_rdomain(host, 3)
    start(host)
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == 0
    host.run("ip", "netns", "delete", "rdomain3")
    assert state(host, "wg0").wgrtable is None
    make_rdomain(host, 3)
    assert state(host, "wg0").wgrtable == 3


def test_an_endpoint_has_its_scope_where_the_sockets_are(host: Host) -> None:
    make_rdomain(host, 3)
    ip(host, 3, "link", "add", "eth7", "index", "77", "type", "veth", "peer", "name", "eth8")
    start(host)
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == 0
    peer = ("peer", new_key_pair().public, "endpoint", "[fe80::1%eth7]:5")
    host.run(*inside(3, "wg", "set", "wg0", *peer))
    (seen,) = state(host, "wg0").peers
    assert seen.endpoint is not None
    assert seen.endpoint.scope_id == 77


# -- traffic -----------------------------------------------------------------------------------


def test_two_interfaces_in_rdomains_of_their_own_meet_in_a_third(host: Host) -> None:
    """wg(4), EXAMPLES; but the sockets are in an rdomain too.

    rdomain 1: wg1 10.0.0.1 ── sockets, rdomain 3, 127.0.0.1 ── rdomain 2: wg2 10.0.0.2
    """
    keys = {1: new_key_pair(), 2: new_key_pair()}
    for rdomain in (1, 2, 3):
        make_rdomain(host, rdomain)
    for me, other in ((1, 2), (2, 1)):
        OURS.start(host, f"wg{me}")
        peer = PeerChange(
            public_key=PublicKey.from_base64(keys[other].public),
            endpoint=Endpoint(IPv4Address("127.0.0.1"), 7000 + other),
            add_allowed_ips=(ip_network(f"10.0.0.{other}/32"),),
        )
        private_key = PrivateKey.from_base64(keys[me].private)
        change = DeviceChange(
            private_key=private_key, listen_port=7000 + me, wgrtable=3, peers=(peer,)
        )
        assert configure(host, f"wg{me}", change) == 0
        move(host, f"wg{me}", me)
        ip(host, me, "address", "add", f"10.0.0.{me}/24", "dev", f"wg{me}")
        ip(host, me, "link", "set", f"wg{me}", "up")
        assert state(host, f"wg{me}").link_namespace == inode(host, me)
    assert sorted(listeners(host, 3)) == [7001, 7001, 7002, 7002]
    host.run(*inside(1, "ping", "-n", "-c", "3", "-i", "0.1", "-w", "10", "10.0.0.2"))
    host.run(*inside(2, "ping", "-n", "-c", "3", "-i", "0.1", "-w", "10", "10.0.0.1"))


def test_a_change_of_rdomain_is_hardly_felt(new_host: HostMaker) -> None:
    """The sockets go from one cable to the other and back.

    near, rdomain 0 ── eth1 ──┐
      10.0.0.1               far 10.0.0.2
    near, rdomain 1 ── eth2 ──┘
    """
    near, far = new_host("near"), new_host("far")
    first, second = link(near, far, 1), link(near, far, 2)
    make_rdomain(near, 1)
    move(near, second.interface, 1)
    ip(near, 1, "address", "add", f"{second.address(near, 4)}/30", "dev", second.interface)
    ip(near, 1, "link", "set", second.interface, "up")
    ip(near, 1, "route", "add", first.address(far, 4), "via", second.address(far, 4))
    near_keys, far_keys = new_key_pair(), new_key_pair()
    to_far = PeerSection(
        public_key=far_keys.public,
        allowed_ips=("10.0.0.2/32",),
        endpoint=endpoint(first.address(far, 4), PORT),
    )
    to_near = PeerSection(public_key=near_keys.public, allowed_ips=("10.0.0.1/32",))
    for host, keys, peer, number in ((near, near_keys, to_far, 1), (far, far_keys, to_near, 2)):
        OURS.start(host, "wg0")
        setconf(host, "wg0", configuration(keys.private, PORT, peer))
        host.run("ip", "address", "add", f"10.0.0.{number}/24", "dev", "wg0")
        host.run("ip", "link", "set", "wg0", "up")
    assert pings(near, "10.0.0.2")
    before = show(far, "wg0").peers[near_keys.public]
    assert before.endpoint == endpoint(first.address(near, 4), PORT)

    flood = Flood(near, "10.0.0.2")
    for rdomain, cable in ((1, second), (0, first), (1, second)):
        assert configure(near, "wg0", DeviceChange(wgrtable=rdomain)) == 0
        assert listeners(near, rdomain) == [PORT, PORT]
        assert listeners(near, 1 - rdomain) == []
        eventually(
            lambda: show(far, "wg0").peers[near_keys.public].endpoint,
            endpoint(cable.address(near, 4), PORT).__eq__,
        )
    lost = flood.stop()
    assert len(lost) <= 6, "of each change the answers that are under way, and no more"
    assert show(far, "wg0").peers[near_keys.public].latest_handshake == before.latest_handshake


# -- where the interface is --------------------------------------------------------------------


def test_whoever_moves_the_interface_and_asks_finds_the_engine_in_step(host: Host) -> None:
    make_rdomain(host, 1)
    start(host)
    assert state(host, "wg0").link_namespace == inode(host, 0)
    move(host, "wg0", 1)
    assert state(host, "wg0").link_namespace == inode(host, 1)
    for ask in (state, partial(configure, change=DeviceChange())):
        ip(host, 1, "link", "set", "wg0", "up")
        ask(host, "wg0")
        assert listeners(host, 0) == [PORT, PORT]
        ip(host, 1, "link", "set", "wg0", "down")
        ask(host, "wg0")
        assert listeners(host, 0) == []
    ip(host, 1, "link", "set", "wg0", "netns", "1")
    assert state(host, "wg0").link_namespace == inode(host, 0)


def test_a_second_interface_of_that_name_is_not_taken_for_ours(host: Host) -> None:
    make_rdomain(host, 1)
    engine = start(host)
    move(host, "wg0", 1)
    ip(host, 1, "link", "set", "wg0", "up")
    there = replace(state(host, "wg0"), drops=())
    host.run("ip", "link", "add", "wg0", "mtu", "1234", "type", "veth", "peer", "name", "other")
    host.run("ip", "link", "set", "wg0", "up")
    host.run("ip", "link", "set", "wg0", "down")
    assert replace(state(host, "wg0"), drops=()) == there
    assert there.link_namespace == inode(host, 1)
    assert listeners(host, 0) == [PORT, PORT]
    host.run("ip", "link", "delete", "wg0")
    ip(host, 1, "link", "set", "wg0", "down")
    state(host, "wg0")
    assert listeners(host, 0) == []
    ip(host, 1, "link", "delete", "wg0")
    assert engine.wait() == 0, engine.output()


def test_super_packets_fit_the_mtu_in_another_namespace_too(host: Host) -> None:
    make_rdomain(host, 1)
    limits = {}
    for interface, rdomain in (("wg0", 0), ("wg1", 1)):
        OURS.start(host, interface)
        if rdomain:
            move(host, interface, rdomain)
        ip(host, rdomain, "link", "set", interface, "mtu", "1280")
        state(host, interface)
        (shown,) = json.loads(ip(host, rdomain, "-d", "-j", "link", "show", interface))
        limits[rdomain] = shown["gso_max_size"]
    # 49 messages of 1280 + 32 octets fill a UDP_SEGMENT send; 52 of 1280 are headers
    assert limits == {0: 49 * 1228 + 52, 1: 49 * 1228 + 52}


# -- the stock tools ---------------------------------------------------------------------------


def test_wg_goes_on_working_and_leaves_rdomain_and_groups_alone(host: Host) -> None:
    make_rdomain(host, 3)
    make_rdomain(host, 1)
    start(host)
    assert configure(host, "wg0", DeviceChange(wgrtable=3, groups=("vpn", "egress"))) == 0
    move(host, "wg0", 1)
    ip(host, 1, "link", "set", "wg0", "up")
    before = state(host, "wg0")
    assert (before.wgrtable, before.groups) == (3, ("vpn", "egress"))
    assert "listening port: 51820" in host.run("wg", "show", "wg0")
    setconf(host, "wg0", host.run("wg", "showconf", "wg0"))
    host.run("wg", "set", "wg0", "fwmark", "0x7")
    host.run("wg", "set", "wg0", "fwmark", "0")
    assert state(host, "wg0") == before
    assert listeners(host, 3) == [PORT, PORT]
