"""What is there, as a file would have to say it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.reconcile.adopt import without_what_linux_takes

V4 = Route(key=RouteKey(0, ip_network("10.1.0.0/16")), next_hops=(NextHop(None, "wg0"),))
V6 = Route(key=RouteKey(0, ip_network("fd01::/64")), next_hops=(NextHop(None, "wg0"),))
ELSEWHERE = Route(
    key=RouteKey(0, ip_network("192.0.2.1/32")),
    next_hops=(NextHop(ip_address("198.51.100.1"), "eth0"),),
)
FULL = InterfaceConfig(
    name="wg0",
    addresses=(ip_interface("10.0.0.1/24"), ip_interface("fd00::1/64")),
    routes=(V4, V6, ELSEWHERE),
)


def test_what_can_be_there_stays() -> None:
    assert without_what_linux_takes(FULL) == FULL


def test_without_ipv4_addresses_there_are_no_ipv4_routes_through_it() -> None:
    bare = replace(FULL, addresses=FULL.addresses[1:])
    assert without_what_linux_takes(bare).routes == (V6, ELSEWHERE)


def test_with_a_small_mtu_there_is_no_ipv6() -> None:
    narrow = without_what_linux_takes(replace(FULL, mtu=1279))
    assert narrow.addresses == FULL.addresses[:1]
    assert narrow.routes == (V4, ELSEWHERE)
