"""Congestion under a tunnel, told without a loss.

left: wg0 ── eth1 ── router ── eth2 ── right: wg0
10.77.0.1            marks and counts         10.77.0.2
fd77::1                                       fd77::2
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.netns.engines import (
    OURS,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
)
from tests.netns.hosts import Host, HostMaker, hosts, link
from tests.netns.traffic import file_arrives_intact, ping
from tests.netns.waiting import eventually

PORT = 51820
INNER = {4: "10.77.0.2", 6: "fd77::2"}
EXPEDITED, EXPEDITED_AND_ECT_0 = "0xb8", "0xba"
FILE_BYTES = 300_000

inner_families = pytest.mark.parametrize("inner", [4, 6], ids=["inner v4", "inner v6"])

# An initiation is 148 octets, a response 92, and a UDP header 8.
COUNTERS = """
table inet seen {
    counter handshakes_marked {}
    counter handshakes_unmarked {}
    counter data_capable {}
    counter data_incapable {}
    counter data_of_a_class {}
    chain forward {
        type filter hook forward priority filter + 10
        udp length { 156, 100 } IP dscp af41 IP ecn not-ect counter name handshakes_marked accept
        udp length { 156, 100 } counter name handshakes_unmarked accept
        IP dscp != cs0 counter name data_of_a_class accept
        IP ecn ect0 counter name data_capable accept
        IP ecn not-ect counter name data_incapable accept
    }
}
"""
MARK = """
table inet congestion {
    chain forward {
        type filter hook forward priority filter
        udp dport 51820 udp length != { 156, 100 } CONDITION IP ecn set ce
    }
}
"""
EXPERIENCED = """
table inet seen {
    counter congestion_experienced {}
    chain input {
        type filter hook input priority filter
        iifname wg0 ip ecn ce counter name congestion_experienced
        iifname wg0 ip6 ecn ce counter name congestion_experienced
    }
}
"""

DROPS = """
import socket
with socket.socket(socket.AF_UNIX) as uapi:
    uapi.connect("/var/run/wireguard/wg0.sock")
    uapi.sendall(b"get=1\\n\\n")
    answer = b""
    while not answer.endswith(b"\\n\\n"):
        answer += uapi.recv(65536)
for line in answer.decode().splitlines():
    if line.startswith("drop="):
        print(line.removeprefix("drop="))
"""


@dataclass(frozen=True, slots=True)
class Net:
    """The hosts of the drawing; the tunnel goes over one family."""

    left: Host
    router: Host
    right: Host
    outer: int
    configurations: dict[Host, str] = field(repr=False)

    def begin_anew(self) -> None:
        """Configure both engines, so that the next packet needs a handshake."""
        for host, text in self.configurations.items():
            setconf(host, "wg0", text)

    def counts(self, host: Host) -> dict[str, int]:
        """Return the packets of each counter that nft(8) has in a host."""
        listed = json.loads(host.run("nft", "-j", "list", "counters"))["nftables"]
        counters = [each["counter"] for each in listed if "counter" in each]
        return {counter["name"]: counter["packets"] for counter in counters}

    def rule(self, host: Host, text: str) -> None:
        """Load rules; in those for the outer header, IP stands for either family."""
        host.run("nft", "-f", "-", text=text.replace("IP", "ip" if self.outer == 4 else "ip6"))


@pytest.fixture(scope="module", params=[4, 6], ids=["outer v4", "outer v6"])
def whole_net(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Net]:
    with hosts(tmp_path_factory.mktemp("ecn")) as new_host:
        left, router, right = (new_host(name) for name in ("left", "router", "right"))
        cables = {left: link(left, router, 1), right: link(router, right, 2)}
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for host, cable in cables.items():
            for family in (4, 6):
                gateway = cable.address(router, family)
                host.run("ip", f"-{family}", "route", "add", "default", "via", gateway)
        keys = {host: new_key_pair() for host in cables}
        configurations = {}
        for number, (host, other) in enumerate(((left, right), (right, left)), 1):
            OURS.start(host, "wg0")
            host.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", "wg0")
            host.run("ip", "address", "add", f"fd77::{number}/64", "dev", "wg0")
            host.run("ip", "link", "set", "wg0", "up")
            peer = PeerSection(
                public_key=keys[other].public,
                allowed_ips=("10.77.0.0/24", "fd77::/64"),
                endpoint=endpoint(cables[other].address(other, request.param), PORT),
            )
            configurations[host] = configuration(keys[host].private, PORT, peer)
        net = Net(left, router, right, request.param, configurations)
        net.begin_anew()
        yield net


@pytest.fixture
def net(whole_net: Net) -> Iterator[Net]:
    yield whole_net
    for host in (whole_net.left, whole_net.router, whole_net.right):
        host.run("nft", "flush", "ruleset")


def drops(host: Host) -> dict[str, int]:
    lines = host.run(sys.executable, "-IS", "-c", DROPS).splitlines()
    return {reason: int(count) for reason, count in (line.split() for line in lines)}


@inner_families
def test_data_shows_its_ecn_bits_only_and_handshakes_are_marked(net: Net, inner: int) -> None:
    net.begin_anew()
    net.rule(net.router, COUNTERS)
    for traffic_class in (EXPEDITED_AND_ECT_0, EXPEDITED):
        net.left.run("ping", "-n", "-c", "1", "-W", "5", "-Q", traffic_class, INNER[inner])
    assert net.counts(net.router) == {
        "handshakes_marked": 2,
        "handshakes_unmarked": 0,
        "data_capable": 2,
        "data_incapable": 2,
        "data_of_a_class": 0,
    }


@inner_families
def test_congestion_reaches_the_inner_packet(net: Net, inner: int) -> None:
    assert ping(net.left, INNER[inner]).lost == 0
    net.rule(net.router, MARK.replace("CONDITION", "IP ecn ect0"))
    net.right.run("nft", "-f", "-", text=EXPERIENCED)
    net.left.run("ping", "-n", "-c", "1", "-W", "5", "-Q", EXPEDITED_AND_ECT_0, INNER[inner])
    assert net.counts(net.right) == {"congestion_experienced": 1}


@inner_families
def test_congestion_of_a_flow_without_ecn_is_a_loss_and_counted(net: Net, inner: int) -> None:
    assert ping(net.left, INNER[inner]).lost == 0
    net.rule(net.router, MARK.replace("CONDITION", "iifname eth1"))
    before = drops(net.right).get("illegal-ecn", 0)
    assert ping(net.left, INNER[inner], count=3, wait=0.2).received == 0
    eventually(lambda: drops(net.right).get("illegal-ecn"), lambda count: count == before + 3)


@inner_families
def test_tcp_hears_of_congestion_and_loses_nothing(net: Net, inner: int) -> None:
    for host in (net.left, net.right):
        host.run("sysctl", "-qw", "net.ipv4.tcp_ecn=1")
    net.rule(net.router, MARK.replace("CONDITION", "IP ecn ect0 numgen inc mod 2 == 0"))
    net.right.run("nft", "-f", "-", text=EXPERIENCED)
    before = drops(net.right).get("illegal-ecn", 0)
    assert file_arrives_intact(net.left, net.right, INNER[inner], size=FILE_BYTES)
    assert drops(net.right).get("illegal-ecn", 0) == before
    assert net.counts(net.right)["congestion_experienced"] > 0


# -- what the kernel joins for us --------------------------------------------------------------

# As `ethtool -K eth1 tso off` does: what leaves one end singly may be joined at the other.
SEND = """
import ctypes, fcntl, socket, struct, sys
off = ctypes.create_string_buffer(struct.pack("=II", 0x1F, 0), 8)
address = sys.argv[1]
is_ipv6 = ":" in address
with socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as sender:
    fcntl.ioctl(sender, 0x8946, struct.pack("@16sP16x", b"eth1", ctypes.addressof(off)))
    for ecn in map(int, sys.argv[3]):
        mark = (41, socket.IPV6_TCLASS) if is_ipv6 else (0, socket.IP_TOS)
        ancillary = [(*mark, struct.pack("=i", ecn))]
        sender.sendmsg([str(ecn).encode() * 100], ancillary, 0, (address, int(sys.argv[2])))
"""
RECEIVE = """
import ctypes, fcntl, select, socket, struct, sys
from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.udp import UdpSockets
on = ctypes.create_string_buffer(struct.pack("=II", 0x2C, 1), 8)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8946, struct.pack("@16sP16x", b"eth1", ctypes.addressof(on)))
# so that datagrams wait for their neighbours
for name, value in (("gro_flush_timeout", "50000000"), ("napi_defer_hard_irqs", "10")):
    with open(f"/sys/class/net/eth1/{name}", "w") as file:
        file.write(value)
sockets = UdpSockets(BoundSockets.bind(0, 0))
print(sockets.port, flush=True)
left = int(sys.argv[1])
while left:
    select.select(sockets.descriptors, [], [], 5)
    for received in sockets.receive():
        print(received.ecn, bytes(received.data[::100]).decode(), flush=True)
        left -= len(received.data) // 100
"""


@pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
def test_the_kernel_joins_only_datagrams_that_agree_in_ecn(
    new_host: HostMaker, family: int
) -> None:
    sender, receiver = new_host("sender"), new_host("receiver")
    cable = link(sender, receiver)
    sent = "000222331120003"
    receiving = receiver.start(sys.executable, "-c", RECEIVE, str(len(sent)))
    port = eventually(lambda: receiving.output().partition("\n")[0], what="the port")
    sender.run(sys.executable, "-IS", "-c", SEND, cable.address(receiver, family), port, sent)
    assert receiving.wait() == 0, receiving.output()
    batches = [line.split() for line in receiving.output().splitlines()[1:]]
    assert "".join(contents for _, contents in batches) == sent
    assert len(batches) < len(sent), "nothing was joined"
    for ecn, contents in batches:
        assert set(contents) == {ecn}
