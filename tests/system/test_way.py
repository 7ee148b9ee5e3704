from __future__ import annotations

import subprocess
from ipaddress import ip_address

import pytest

from netstart_wg.system.netlink import Netlink

pytestmark = pytest.mark.root


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def test_a_host_is_reached_by_the_interface_that_the_routing_names(
    wg0: str, netlink: Netlink
) -> None:
    for address in ("10.0.0.1/24", "fd00::1/64"):
        ip("address", "add", address, "dev", wg0, *(("nodad",) if ":" in address else ()))
    ip("link", "set", wg0, "up")
    ip("route", "add", "198.51.100.0/24", "dev", wg0)
    here = ip_address("10.0.0.1")
    assert netlink.interface_towards(ip_address("198.51.100.7"), here) == wg0
    assert netlink.interface_towards(ip_address("fd00::2"), ip_address("fd00::1")) == wg0
    assert netlink.interface_towards(here, here) == "lo"
    assert netlink.interface_towards(ip_address("203.0.113.1"), here) is None
    assert netlink.interface_towards(ip_address("198.51.100.7"), ip_address("192.0.2.1")) is None
