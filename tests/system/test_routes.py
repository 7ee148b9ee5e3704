"""Against the real kernel, in network namespaces of the test's own."""

from __future__ import annotations

import errno
import socket
import struct
import subprocess
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from netstart_wg.errors import BackendError
from netstart_wg.model.route import NextHop, Route, RouteKey, RouteKind
from netstart_wg.system.linux import Linux
from netstart_wg.system.namespaces import inside_rdomain
from netstart_wg.system.netlink import Netlink
from netstart_wg.system.routes import ROUTE_PROTOCOL, RTM_NEWROUTE
from netstart_wg.system.rtnetlink import NLM_F_REPLACE

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]

RDOMAIN = 3

RTMGRP_IPV4_ROUTE = 0x40
RTMGRP_IPV6_ROUTE = 0x400
NLMSGHDR = struct.Struct("=IHHII")


@pytest.fixture
def links(linux: Linux, wg0: str) -> Netlink:
    """An rdomain with wg0 (10.0.0.1/24, fd00::1/64) and eth0 (192.0.2.1/24, 2001:db8::1/64)."""
    linux.make_rdomain(RDOMAIN)
    linux.links().move(wg0, RDOMAIN)
    ip("link add eth0 type veth peer name eth1")
    links = linux.links(RDOMAIN)
    for interface, texts in {
        wg0: ("10.0.0.1/24", "fd00::1/64"),
        "eth0": ("192.0.2.1/24", "2001:db8::1/64"),
        "eth1": (),
    }.items():
        links.bring_up(interface)
        for text in texts:
            links.add_address(interface, ip_interface(text))
    return links


def ip(words: str) -> list[str]:
    """Run a command of iproute2 in the rdomain and return the lines it prints."""
    command = ["ip", "-n", f"rdomain{RDOMAIN}", *words.split()]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [" ".join(line.split()) for line in printed.splitlines()]


def shown(destination: str) -> list[str]:
    """Return what ip(8) shows of the routes to a destination."""
    family = "-6" if ":" in destination else "-4"
    return ip(f"{family} route show exact {destination}")


def hop(gateway: str | None = None, interface: str | None = None) -> NextHop:
    return NextHop(ip_address(gateway) if gateway else None, interface)


def route(
    destination: str,
    *hops: NextHop,
    kind: RouteKind = RouteKind.UNICAST,
    priority: int = 8,
    mtu: int | None = None,
) -> Route:
    key = RouteKey(RDOMAIN, ip_network(destination), priority)
    return Route(key=key, kind=kind, next_hops=hops, mtu=mtu)


VIA_WG0 = hop("10.0.0.2", "wg0")
VIA_ETH0 = hop("192.0.2.2", "eth0")
VIA_WG0_6 = hop("fd00::2", "wg0")
VIA_ETH0_6 = hop("2001:db8::2", "eth0")

EVERY_KIND = [
    route("10.1.0.0/16", hop(interface="wg0")),
    route("10.1.0.0/16", VIA_WG0),
    route("10.1.0.0/16", hop("172.16.0.1", "wg0")),
    route("10.1.0.0/16", VIA_WG0, VIA_ETH0),
    route("10.1.0.0/16", VIA_ETH0, hop(interface="wg0")),
    route("10.1.0.0/16", hop("172.16.0.1", "wg0"), VIA_ETH0, mtu=1300),
    route("10.1.0.0/16", VIA_WG0, mtu=1280),
    route("10.1.0.0/16", kind=RouteKind.BLACKHOLE),
    route("10.1.0.0/16", kind=RouteKind.REJECT),
    route("10.1.2.3/32", VIA_WG0, priority=63),
    route("10.1.0.0/16", VIA_WG0_6),
    route("0.0.0.0/0", VIA_ETH0, priority=1),
    route("fd01::/48", hop(interface="wg0")),
    route("fd01::/48", VIA_WG0_6),
    route("fd01::/48", hop("fd0f::1", "wg0")),
    route("fd01::/48", hop("fe80::2", "wg0")),
    route("fd01::/48", VIA_WG0_6, VIA_ETH0_6, hop("fd00::3", "wg0")),
    route("fd01::/48", VIA_ETH0_6, VIA_WG0_6, mtu=1300),
    route("fd01::/48", VIA_WG0_6, mtu=1280),
    route("fd01::/48", kind=RouteKind.BLACKHOLE),
    route("fd01::/48", kind=RouteKind.REJECT),
    route("fd01::1/128", VIA_WG0_6, priority=63),
    route("::/0", VIA_ETH0_6),
]


def words_of(wanted: Route) -> str:
    return " ".join(
        [str(wanted.key.destination), wanted.kind.value]
        + [f"{each.gateway}%{each.interface}" for each in wanted.next_hops]
        + ([f"mtu {wanted.mtu}"] if wanted.mtu else [])
    )


@pytest.mark.parametrize("wanted", EVERY_KIND, ids=words_of)
def test_a_route_is_observed_as_it_was_added_and_gone_when_removed(
    links: Netlink, wanted: Route
) -> None:
    links.add_route("wg0", wanted)
    assert links.routes() == (wanted,)
    links.remove_route("wg0", wanted)
    assert links.routes() == ()
    assert shown(str(wanted.key.destination)) == []


def test_ip_shows_what_was_added(links: Netlink) -> None:
    """The words of ip-route(8) say what each of them means to the kernel."""
    expected = {
        route("10.1.0.0/24", hop(interface="wg0")): [
            "10.1.0.0/24 dev wg0 proto 119 scope link metric 8"
        ],
        route("10.1.1.0/24", VIA_WG0): ["10.1.1.0/24 via 10.0.0.2 dev wg0 proto 119 metric 8"],
        route("10.1.2.0/24", hop("172.16.0.1", "wg0"), priority=9): [
            "10.1.2.0/24 via 172.16.0.1 dev wg0 proto 119 metric 9 onlink"
        ],
        route("10.1.3.0/24", kind=RouteKind.BLACKHOLE): [
            "blackhole 10.1.3.0/24 proto 119 metric 8"
        ],
        route("10.1.4.0/24", kind=RouteKind.REJECT): ["unreachable 10.1.4.0/24 proto 119 metric 8"],
        route("10.1.5.0/24", VIA_WG0, mtu=1280): [
            "10.1.5.0/24 via 10.0.0.2 dev wg0 proto 119 metric 8 mtu 1280"
        ],
        route("10.1.6.0/24", hop("172.16.0.1", "wg0"), VIA_ETH0): [
            "10.1.6.0/24 proto 119 metric 8",
            "nexthop via 172.16.0.1 dev wg0 weight 1 onlink",
            "nexthop via 192.0.2.2 dev eth0 weight 1",
        ],
        route("fd01::/64", hop("fe80::2", "wg0")): [
            "fd01::/64 via fe80::2 dev wg0 proto 119 metric 8 pref medium"
        ],
        route("fd02::/64", hop("fd0f::1", "wg0")): [
            "fd02::/64 via fd0f::1 dev wg0 proto 119 metric 8 onlink pref medium"
        ],
    }
    for wanted, lines in expected.items():
        links.add_route("wg0", wanted)
        assert shown(str(wanted.key.destination)) == lines
    assert len(links.routes()) == len(expected)


@pytest.mark.parametrize(
    ("gateway", "destination", "interface"),
    [("10.0.0.2", "10.1.0.0/16", "wg0"), ("2001:db8::2", "fd01::/48", "eth0")],
)
def test_the_kernel_chooses_an_interface_that_is_not_named(
    links: Netlink, gateway: str, destination: str, interface: str
) -> None:
    links.add_route("wg0", route(destination, hop(gateway)))
    assert links.routes() == (route(destination, hop(gateway, interface)),)


@pytest.mark.parametrize("gateway", ["10.9.9.9", "fd09::9"])
def test_a_gateway_that_nobody_reaches_is_refused(links: Netlink, gateway: str) -> None:
    destination = "fd01::/48" if ":" in gateway else "10.1.0.0/16"
    with pytest.raises(
        BackendError, match=r"wg0: add route to .*: (network is unre|no route to h)"
    ):
        links.add_route("wg0", route(destination, hop(gateway)))
    assert links.routes() == ()


def test_an_interface_that_is_not_there_is_refused(links: Netlink) -> None:
    text = 'wg0: add route to 10.1.0.0/16: there is no interface "WG9"'
    with pytest.raises(BackendError) as caught:
        links.add_route("wg0", route("10.1.0.0/16", hop(interface="WG9")))
    assert (str(caught.value), caught.value.errno) == (text, errno.ENODEV)


@pytest.mark.parametrize("family", ["10.", "fd"])
def test_a_route_takes_the_place_of_ours_whatever_that_was(links: Netlink, family: str) -> None:
    """Each kind of route after each other kind, there and back."""
    kinds = [
        replace(each, key=replace(each.key, destination=ip_network(destination)))
        for each in EVERY_KIND
        if str(each.key.destination) == (destination := f"{family}1.0.0/16")
        or str(each.key.destination) == (destination := f"{family}01::/48")
    ]
    assert len(kinds) > 8
    for index, before in enumerate(kinds):
        links.add_route("wg0", before)
        for after in kinds[index:]:
            links.add_route("wg0", after)
            assert links.routes() == (after,)
            links.add_route("wg0", before)
            assert links.routes() == (before,)


def test_a_replacement_leaves_no_gap(links: Netlink) -> None:
    """The kernel tells that a route was replaced, and never that one was removed."""
    links.add_route("wg0", route("10.1.0.0/16", VIA_WG0))
    links.add_route("wg0", route("fd01::/48", VIA_WG0_6))
    with inside_rdomain(RDOMAIN):
        news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    with news:
        news.bind((0, RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE))
        links.add_route("wg0", route("10.1.0.0/16", VIA_ETH0, VIA_WG0))
        links.add_route("wg0", route("fd01::/48", VIA_ETH0_6))
        messages = [NLMSGHDR.unpack_from(news.recv(65536)) for _ in range(2)]
        assert [kind for _, kind, _, _, _ in messages] == [RTM_NEWROUTE] * 2
        assert all(flags & NLM_F_REPLACE for _, _, flags, _, _ in messages)
        with pytest.raises(BlockingIOError):
            news.recv(65536, socket.MSG_DONTWAIT)


def test_the_same_route_added_again_is_the_same(links: Netlink) -> None:
    for _ in range(2):
        links.add_route("wg0", route("fd01::/48", VIA_WG0_6, VIA_ETH0_6))
    assert links.routes() == (route("fd01::/48", VIA_WG0_6, VIA_ETH0_6),)


FOREIGN = [
    ("10.1.0.0/16", "route add 10.1.0.0/16 via 192.0.2.9 metric 8"),
    ("10.1.0.0/16", "route add blackhole 10.1.0.0/16 metric 8 proto bird"),
    ("0.0.0.0/0", "route add default via 192.0.2.9 metric 8 proto dhcp"),
    ("fd01::/48", "route add fd01::/48 via 2001:db8::9 metric 8"),
    ("::/0", "route add default via 2001:db8::9 metric 8 proto ra"),
]


@pytest.mark.parametrize(("destination", "words"), FOREIGN)
def test_anothers_route_is_neither_replaced_nor_removed_nor_observed(
    links: Netlink, destination: str, words: str
) -> None:
    ip(words)
    before = shown(destination)
    mine = route(destination, hop(interface="wg0"))
    with pytest.raises(BackendError) as caught:
        links.add_route("wg0", mine)
    assert str(caught.value) == (
        f"wg0: add route to {destination}: "
        f"a route to {destination} with metric 8 exists and is not ours"
    )
    assert caught.value.errno == errno.EEXIST
    links.remove_route("wg0", mine)
    assert links.routes() == ()
    assert shown(destination) == before != []


@pytest.mark.parametrize("verb", ["append", "prepend"])
def test_where_another_has_joined_our_key_nothing_is_replaced_and_only_ours_removed(
    links: Netlink, verb: str
) -> None:
    links.add_route("wg0", route("10.1.0.0/16", VIA_WG0))
    ip(f"route {verb} 10.1.0.0/16 via 192.0.2.9 metric 8")
    with pytest.raises(BackendError, match="is not ours"):
        links.add_route("wg0", route("10.1.0.0/16", hop(interface="wg0")))
    assert links.routes() == (route("10.1.0.0/16", VIA_WG0),)
    links.remove_route("wg0", route("10.1.0.0/16", VIA_WG0))
    assert shown("10.1.0.0/16") == ["10.1.0.0/16 via 192.0.2.9 dev eth0 metric 8"]


def test_a_route_of_another_metric_table_or_tos_is_another_route(links: Netlink) -> None:
    ip("route add 10.1.0.0/16 via 192.0.2.9")
    ip("route add 10.1.0.0/16 via 192.0.2.9 metric 9 proto bird")
    ip("route add 10.1.0.0/16 via 192.0.2.9 metric 8 table 100")
    ip("route add tos 0x10 10.1.0.0/16 via 192.0.2.9 metric 8")
    links.add_route("wg0", route("10.1.0.0/16", VIA_WG0))
    links.add_route("wg0", route("10.1.0.0/16", hop(interface="wg0")))
    assert links.routes() == (route("10.1.0.0/16", hop(interface="wg0")),)
    links.remove_route("wg0", route("10.1.0.0/16"))
    assert len(shown("10.1.0.0/16")) == 3
    assert ip("route show table 100") == ["10.1.0.0/16 via 192.0.2.9 dev eth0 metric 8"]


def test_our_number_in_another_table_is_not_observed(links: Netlink) -> None:
    ip(f"route add 10.1.0.0/16 via 192.0.2.9 metric 8 table 100 proto {ROUTE_PROTOCOL}")
    assert links.routes() == ()


def test_siblings_that_somebody_added_with_our_number_are_one_route(links: Netlink) -> None:
    for gateway in ("fd00::2", "fd00::3"):
        ip(f"route append fd01::/48 via {gateway} dev wg0 metric 8 proto {ROUTE_PROTOCOL}")
    for interface in ("wg0", "eth0"):
        ip(f"route append fd02::/48 dev {interface} metric 8 proto {ROUTE_PROTOCOL}")
    for gateway in ("10.0.0.2", "10.0.0.3"):
        ip(f"route append 10.1.0.0/16 via {gateway} dev wg0 metric 8 proto {ROUTE_PROTOCOL}")
    joined = (
        route("10.1.0.0/16", hop("10.0.0.2", "wg0"), hop("10.0.0.3", "wg0")),
        route("fd01::/48", hop("fd00::2", "wg0"), hop("fd00::3", "wg0")),
        route("fd02::/48", hop(interface="wg0"), hop(interface="eth0")),
    )
    assert links.routes() == joined
    for each in joined:
        links.remove_route("wg0", each)
    assert links.routes() == ()


def test_a_route_that_is_not_there_any_more_need_not_be_removed(links: Netlink) -> None:
    links.remove_route("wg0", route("10.1.0.0/16", VIA_WG0))
    assert links.routes() == ()


def test_each_rdomain_has_its_own_routes(linux: Linux, links: Netlink) -> None:
    links.add_route("wg0", route("10.1.0.0/16", VIA_WG0))
    key = RouteKey(0, ip_network("10.1.0.0/16"))
    here = Route(key=key, kind=RouteKind.BLACKHOLE)
    linux.links().add_route("wg0", here)
    assert linux.links().routes() == (here,)
    assert links.routes() == (route("10.1.0.0/16", VIA_WG0),)
    linux.links().remove_route("wg0", here)
    assert links.routes() == (route("10.1.0.0/16", VIA_WG0),)


def test_with_the_interface_go_the_routes_through_it(links: Netlink) -> None:
    links.add_route("wg0", route("10.1.0.0/16", VIA_WG0))
    links.add_route("wg0", route("10.2.0.0/16", VIA_ETH0))
    links.move("wg0", 0)
    assert links.routes() == (route("10.2.0.0/16", VIA_ETH0),)


def test_many_are_added_at_once_and_only_what_is_in_the_way_of_one_stays(links: Netlink) -> None:
    many = [route(f"10.{n // 256}.{n % 256}.0/24", hop(interface="wg0")) for n in range(256, 556)]
    ip("route add 10.1.7.0/24 via 192.0.2.2 metric 8")
    theirs = shown("10.1.7.0/24")
    links.add_route("wg0", route("10.1.9.0/24", VIA_WG0))
    refused = links.add_routes("wg0", many)
    assert list(refused) == [many[7].key]
    assert "not ours" in str(refused[many[7].key])
    assert shown("10.1.7.0/24") == theirs
    assert set(links.routes()) == {each for each in many if each is not many[7]}
    assert links.add_routes("wg0", many[:3]) == {}, "once more is no mistake"
    nowhere = route("10.9.0.0/24", hop(interface="wg9"))
    assert list(links.add_routes("wg0", [nowhere])) == [nowhere.key]
