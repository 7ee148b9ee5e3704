"""Against the real kernel, in network namespaces of the test's own."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address

import pytest

from netstart_wg.model.address import Endpoint
from netstart_wg.system.linux import Linux
from netstart_wg.system.netlink import Netlink

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


@pytest.fixture
def links(linux: Linux) -> Netlink:
    """Two cables: eth0 (192.0.2.0/24, 2001:db8::/64) of 1400 octets, eth1 (198.51.100.0/24)."""
    for number, addresses in enumerate((("192.0.2.1/24", "2001:db8::1/64"), ("198.51.100.1/24",))):
        ip(f"link add eth{number} type veth peer name far{number}")
        for address in addresses:
            ip(f"address add {address} dev eth{number} {'nodad' if ':' in address else ''}")
        for name in (f"eth{number}", f"far{number}"):
            ip(f"link set {name} up")
    ip("link set eth0 mtu 1400")
    return linux.links()


def way_to(links: Netlink, address: str, fwmark: int = 0, tunnel: str = "wg0") -> int | None:
    return links.path_mtu(Endpoint(ip_address(address), 51820), fwmark, tunnel)


def test_the_way_is_as_wide_as_its_link(links: Netlink) -> None:
    assert way_to(links, "192.0.2.9") == 1400
    assert way_to(links, "2001:db8::9") == 1400
    assert way_to(links, "198.51.100.9") == 1500


@pytest.mark.parametrize(
    ("route", "address"),
    [
        ("203.0.113.0/24 via 198.51.100.9 mtu 1300", "203.0.113.1"),
        ("2001:db8:1::/48 via 2001:db8::9 mtu 1300", "2001:db8:1::1"),
    ],
)
def test_or_as_its_route_says(links: Netlink, route: str, address: str) -> None:
    ip(f"route add {route}")
    assert way_to(links, address) == 1300


def test_of_several_ways_the_narrowest_counts(links: Netlink) -> None:
    ip("route add 203.0.113.0/24 nexthop via 198.51.100.9 nexthop via 192.0.2.9")
    assert way_to(links, "203.0.113.1") == 1400


def test_a_way_that_there_is_not_is_not_known(links: Netlink) -> None:
    assert way_to(links, "203.0.113.1") is None
    assert way_to(links, "2001:db8:1::1") is None
    ip("route add unreachable 203.0.113.0/24")
    assert way_to(links, "203.0.113.1") is None


def test_the_way_into_the_tunnel_is_none(links: Netlink) -> None:
    ip("route add default dev eth1 table 7")
    ip("rule add not fwmark 5 lookup 7")
    ip("route add 203.0.113.0/24 dev eth0")
    assert way_to(links, "203.0.113.1", tunnel="eth1") is None
    assert way_to(links, "203.0.113.1", fwmark=5, tunnel="eth1") == 1400
