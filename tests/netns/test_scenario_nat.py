"""Scenarios 9, 10, 12 and 13 of netns.sh: routers, translated addresses, marks.

        client                         router                          server
    ┌──────────────┐            ┌──────────────────┐            ┌──────────────┐
    │ wg0          │            │ 192.0.2.6        │            │ wg0          │
    │ 10.77.0.1/24 ├─── eth1 ───┤        192.0.2.9 ├─── eth2 ───┤ 10.77.0.2/24 │
    │ fd77::1/64   │ 192.0.2.5  │ masquerades eth1 │ 192.0.2.10 │ fd77::2/64   │
    └──────────────┘            └──────────────────┘            └──────────────┘

The client's default route leads to the router; the server knows of no network
but its own.  iptables is nft.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.netns.ends import End
from tests.netns.engines import Engine, PeerSection, endpoint
from tests.netns.hosts import Host, Link, hosts, link
from tests.netns.waiting import eventually

FWMARK = "51820"
NAT_SECONDS = 2
CONNECTIONS = "/proc/net/nf_conntrack"
"""Not every kernel shows them."""
SYSCTLS = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.conf.eth1.rp_filter=0",
)


@dataclass(frozen=True, slots=True)
class Net:
    client: End
    router: Host
    server: End
    near: Link
    far: Link

    @property
    def server_endpoint(self) -> str:
        return endpoint(self.far.address(self.server.inside, 4), self.server.port)

    @property
    def translated(self) -> str:
        """The client, as the server knows it."""
        return endpoint(self.far.address(self.router, 4), self.client.port)

    def configure(self) -> None:
        """Forget all sessions; only the client knows where the other is."""
        self.client.up("10.77.0.1/24", "fd77::1/64")
        self.server.up("10.77.0.2/24", "fd77::2/64")
        self.server.configure(
            PeerSection(public_key=self.client.keys.public, allowed_ips=("10.77.0.1", "fd77::1"))
        )
        self.client.configure(
            PeerSection(
                public_key=self.server.keys.public,
                allowed_ips=("10.77.0.2", "fd77::2"),
                endpoint=self.server_endpoint,
            )
        )


@pytest.fixture(scope="module")
def net(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    with hosts(tmp_path_factory.mktemp("nat")) as new_host:
        client, router, server = (new_host(name) for name in ("client", "router", "server"))
        near, far = link(client, router, 1), link(router, server, 2)
        router.run("sysctl", "-qw", *SYSCTLS)
        client.run("sysctl", "-qw", *SYSCTLS[2:])
        client.run("ip", "route", "add", "default", "via", near.address(router, 4))
        client.run("ip", "-6", "route", "add", "default", "via", near.address(router, 6))
        masquerade = "ip saddr 192.0.2.4/30 oifname eth2 masquerade"
        with filtered(router, "type nat hook postrouting priority srcnat", masquerade):
            yield Net(
                End.start(engine, "wg0", 10001, client),
                router,
                End.start(engine, "wg0", 10002, server),
                near,
                far,
            )


@contextmanager
def filtered(host: Host, hook: str, rule: str) -> Iterator[None]:
    """Have a chain of nft(8) with one rule for a while."""
    name = hook.split()[1]
    host.run("nft", "-f", "-", text=f"table ip {name} {{\nchain only {{\n{hook}\n{rule}\n}}\n}}\n")
    try:
        yield
    finally:
        host.run("nft", "delete", "table", "ip", name)


def translations(router: Host) -> list[str]:
    """Return the router's connections of UDP; what has expired is not among them."""
    lines = router.run("cat", CONNECTIONS).splitlines()
    return [line for line in lines if " udp " in line]


@pytest.mark.scenario("9")
def test_keepalives_hold_the_entry_of_a_nat_open(net: Net) -> None:
    timeouts = (f"net.netfilter.nf_conntrack_udp_timeout{each}" for each in ("", "_stream"))
    net.router.run("sysctl", "-qw", *(f"{each}={NAT_SECONDS}" for each in timeouts))
    net.configure()
    net.client.set_peer(net.server, "persistent-keepalive", "1")
    assert net.client.reaches("10.77.0.2")
    assert net.server.reaches("10.77.0.1")
    before = net.server.peer(net.client)
    assert before.endpoint == net.translated

    keepalives = (NAT_SECONDS + 1) * 32
    eventually(
        lambda: net.server.peer(net.client).received_bytes >= before.received_bytes + keepalives,
        what="keepalives for longer than the router remembers",
    )
    assert net.server.reaches("10.77.0.1"), "the NAT has forgotten the client"

    net.client.set_peer(net.server, "persistent-keepalive", "0")
    if net.router.exists(CONNECTIONS):
        eventually(lambda: not translations(net.router), what="the end of the NAT's entry")
        assert not net.server.reaches("10.77.0.1"), "it was not the keepalives that held it open"


@pytest.mark.scenario("10")
def test_a_bound_socket_and_marks_that_reroute(net: Net) -> None:
    net.configure()
    ping = ("ping", "-n", "-c", "1", "-W", "1", "10.77.0.2")
    bound = (*ping, "-I", net.client.interface)
    net.client.inside.run(*bound)
    with filtered(net.client.inside, "type route hook output priority mangle", "meta mark set 1"):
        net.client.inside.run(*ping)
        net.client.inside.run(*bound)


@pytest.mark.scenario("12")
def test_a_default_route_through_the_tunnel_by_marks(net: Net) -> None:
    net.configure()
    client, interface = net.client.inside, net.client.interface
    net.server.inside.run("ip", "address", "add", "192.168.99.7/32", "dev", "wg0")
    net.server.inside.run("ip", "address", "add", "abab::1111/128", "dev", "wg0")
    net.client.set("fwmark", FWMARK)
    net.client.set_peer(
        net.server, "allowed-ips", "10.77.0.2/32,fd77::2/128,192.168.99.7/32,abab::1111/128"
    )
    rules = (
        ("not", "fwmark", FWMARK, "table", FWMARK),
        ("table", "main", "suppress_prefixlength", "0"),
    )
    for family in ("-4", "-6"):
        client.run("ip", family, "route", "add", "default", "dev", interface, "table", FWMARK)
        for rule in rules:
            client.run("ip", family, "rule", "add", *rule)
    try:
        assert net.client.floods("192.168.99.7", 100), "IPv4 does not pass"
        assert net.client.floods("abab::1111", 100), "IPv6 does not pass"
    finally:
        for family in ("-4", "-6"):
            for rule in rules:
                client.run("ip", family, "rule", "delete", *rule)


@contextmanager
def a_translator_without_peer(net: Net) -> Iterator[None]:
    """Let the server forward into its tunnel, under its own address, where nobody is any more."""
    net.configure()
    server = net.server.inside
    net.server.set_peer(net.client, "remove")
    server.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    net.router.run(
        *("ip", "route", "replace", "10.77.0.1", "via", net.far.address(server, 4)), "dev", "eth2"
    )
    rule = "oifname wg0 masquerade"
    with filtered(server, "type nat hook postrouting priority srcnat", rule):
        yield


def word_of(router: Host) -> str:
    """Return what ping(8) says of the client's inner address, tried from the router."""
    result = router.attempt("ping", "-n", "-c", "1", "-W", "1", "10.77.0.1")
    return next((line for line in result.stdout.splitlines() if "icmp_seq" in line), "nothing")


@pytest.mark.scenario("13a")
def test_host_unreachable_finds_its_way_back_through_nat(net: Net) -> None:
    with a_translator_without_peer(net):
        word = word_of(net.router)
    assert word != "nothing", "nothing is heard"
    assert word.endswith("icmp_seq=1 Destination Host Unreachable"), word


@pytest.mark.scenario("13b")
def test_host_unreachable_comes_from_the_routers_own_address(net: Net) -> None:
    own = net.far.address(net.server.inside, 4)
    with a_translator_without_peer(net):
        word = word_of(net.router)
        assert word != "nothing", "nothing is heard"
        assert word.startswith(f"From {own} "), "it comes from the address that was not reached"
        rule = "iifname eth2 ip saddr != 192.0.2.8/30 drop"
        with filtered(net.router, "type filter hook input priority filter", rule):
            assert word_of(net.router) == word
