"""What a program hears when no peer can take its packet: at once, and not after minutes.

    client ── eth1 ── router ── wg0: 10.77.0.1/24, fd77::1/64
                                      10.77.0.2, fd77::2   a peer of unknown endpoint
                                      10.77.0.9, fd77::9   nobody

With reverse-path filters as strict as they come in both hosts.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.netns.engines import OURS, PeerSection, configuration, new_key_pair, setconf
from tests.netns.hosts import Host, Link, hosts, link

WITHOUT_PEER = {4: "10.77.0.9", 6: "fd77::9"}
WITHOUT_ENDPOINT = {4: "10.77.0.2", 6: "fd77::2"}
SAID = {4: "Destination Host Unreachable", 6: "Destination unreachable: Address unreachable"}
PATIENCE_SECONDS = 10

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 80), timeout=float(sys.argv[2]))
except TimeoutError:
    print("nothing heard")
except OSError as error:
    print(error.errno)
"""

families = pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
reasons = pytest.mark.parametrize(
    "address_of", [WITHOUT_PEER, WITHOUT_ENDPOINT], ids=["no peer", "no endpoint"]
)


@dataclass(frozen=True, slots=True)
class Net:
    """The hosts of the drawing."""

    client: Host
    router: Host
    cable: Link


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    with hosts(tmp_path_factory.mktemp("unreachable")) as new_host:
        client, router = new_host("client"), new_host("router")
        cable = link(client, router)
        OURS.start(router, "wg0")
        for address in ("10.77.0.1/24", "fd77::1/64"):
            router.run("ip", "address", "add", address, "dev", "wg0")
        router.run("ip", "link", "set", "wg0", "up")
        mute = PeerSection(public_key=new_key_pair().public, allowed_ips=("10.77.0.2", "fd77::2"))
        setconf(router, "wg0", configuration(new_key_pair().private, 51820, mute))
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for host in (client, router):
            host.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1")
        for family, network in ((4, "10.77.0.0/24"), (6, "fd77::/64")):
            gateway = cable.address(router, family)
            client.run("ip", f"-{family}", "route", "add", network, "via", gateway)
        yield Net(client, router, cable)


def ping_once(host: Host, address: str, *options: str) -> str:
    """Return what ping(8) says; fail if it did not say so at once."""
    began = time.monotonic()
    result = host.attempt(
        "ping", "-n", "-c", "1", "-W", str(PATIENCE_SECONDS), *options, address, timeout=30
    )
    assert time.monotonic() - began < PATIENCE_SECONDS, result.stdout
    return result.stdout


def error_of_connecting(host: Host, address: str) -> str:
    return host.run(sys.executable, "-IS", "-c", CONNECT, address, str(PATIENCE_SECONDS)).strip()


@families
@reasons
def test_ping_reports_it_at_once(net: Net, address_of: dict[int, str], family: int) -> None:
    address = address_of[family]
    assert f"From {address} icmp_seq=1 {SAID[family]}" in ping_once(net.router, address)


@families
@reasons
def test_connecting_fails_at_once(net: Net, address_of: dict[int, str], family: int) -> None:
    assert error_of_connecting(net.router, address_of[family]) == str(errno.EHOSTUNREACH)


@families
def test_a_datagram_cut_into_fragments_is_answered_too(net: Net, family: int) -> None:
    assert SAID[family] in ping_once(net.router, WITHOUT_PEER[family], "-s", "6000")


@families
def test_who_sent_it_through_us_hears_it(net: Net, family: int) -> None:
    address = WITHOUT_PEER[family]
    assert f"From {address} icmp_seq=1 {SAID[family]}" in ping_once(net.client, address)
    assert error_of_connecting(net.client, address) == str(errno.EHOSTUNREACH)


@families
def test_it_finds_its_way_back_through_address_translation(net: Net, family: int) -> None:
    table = "ip" if family == 4 else "ip6"
    net.router.run(
        *("nft", "-f", "-"),
        text=f"""
        table {table} hide {{
            chain out {{
                type nat hook postrouting priority srcnat
                oifname wg0 masquerade
            }}
        }}
        """,
    )
    try:
        address = WITHOUT_PEER[family]
        assert f"From {address} icmp_seq=1 {SAID[family]}" in ping_once(net.client, address)
        assert error_of_connecting(net.client, address) == str(errno.EHOSTUNREACH)
    finally:
        net.router.run("nft", "delete", "table", table, "hide")
