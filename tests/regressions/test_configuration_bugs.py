"""Bugs of configuration that other engines have had.

README.md says where each was seen.  Where wg(8) and a socket matter, an engine
runs in a host of its own; elsewhere two or three tunnels on a virtual clock do.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations

import pytest

from netstart_wg.model.address import IPAddress, IPNetwork
from netstart_wg.model.change import PeerChange
from netstart_wg.uapi import decode_set
from tests.datapath.packets import udp_datagram
from tests.engine.simulation import SECOND, Host, Simulation
from tests.engine.test_tunnel import INITIATION, RESPONSE, pair
from tests.netns.engines import (
    OURS,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
    show,
    syncconf,
)
from tests.netns.hosts import HostMaker, link
from tests.netns.traffic import ping

# -- whose is an address -------------------------------------------------------------------

NESTED = {
    4: ("0.0.0.0/0", "0.0.0.0/1", "10.0.0.0/8", "10.9.0.0/16", "10.9.8.6/31", "10.9.8.7/32"),
    6: ("::/0", "8000::/1", "fd00::/8", "fd09:8::/32", "fd09:8::6/127", "fd09:8::7/128"),
}
"""Each within the one before; the last is in all of them."""

LINK_LOCAL = ip_network("fe80::/10")


class Hub:
    """A host, and two others that have sessions with it and send it whatever they like."""

    def __init__(self) -> None:
        self.simulation = Simulation()
        self.host, self.broad, self.narrow = (
            self.simulation.host(f"192.0.2.{n}", f"10.0.0.{n}") for n in (1, 2, 3)
        )
        to_hub = PeerChange(public_key=self.host.public_key, add_allowed_ips=(LINK_LOCAL,))
        for other in (self.broad, self.narrow):
            self.host.add_peer(other)
            other.add_peer(self.host)
            other.configure(to_hub)
            other.say(self.host, b"hello")
        self.simulation.run(SECOND)
        assert len(self.host.heard()) == 2

    def give(self, owner: Host, *networks: IPNetwork) -> None:
        """Make these the allowed IPs of a peer."""
        self.host.configure(
            PeerChange(
                public_key=owner.public_key, replace_allowed_ips=True, add_allowed_ips=networks
            )
        )

    def delivers(self, sender: Host, source: IPAddress) -> bool:
        """Whether what the sender sends with that inner source comes out of the hub's tunnel."""
        destination = self.host.inner if source.version == 4 else "fe80::1"
        before = len(self.host.tun.arrived)
        sender.send(udp_datagram(str(source), destination, b"x"))
        self.simulation.run(SECOND)
        return len(self.host.tun.arrived) > before


@pytest.fixture(scope="module")
def hub() -> Hub:
    return Hub()


def address_beside(inner: IPNetwork, outer: IPNetwork) -> IPAddress:
    """Return an address of the outer network that is not in the inner one, a neighbour."""
    begins_alike = inner.network_address == outer.network_address
    return inner.broadcast_address + 1 if begins_alike else inner.network_address - 1


@pytest.mark.parametrize(
    ("broader", "narrower"), [both for each in NESTED.values() for both in combinations(each, 2)]
)
@pytest.mark.parametrize("order", ["broader first", "narrower first"])
def test_a_broader_prefix_does_not_let_its_owner_spoof_a_more_specific_peer(
    hub: Hub, broader: str, narrower: str, order: str
) -> None:
    """Seen in gotatun before 0.7.2, boringtun, NepTUN, tailscale-rs #8, wireguard-lwip #16.

    Whose an address is, the whole table says, and not the list of whoever sends.
    """
    outer, inner = ip_network(broader), ip_network(narrower)
    hub.give(hub.broad)
    hub.give(hub.narrow)
    claims = [(hub.broad, outer), (hub.narrow, inner)]
    for owner, network in claims if order == "broader first" else reversed(claims):
        hub.give(owner, network)

    beside = address_beside(inner, outer)
    for source in (inner.network_address, inner.broadcast_address):
        assert hub.delivers(hub.narrow, source)
        assert not hub.delivers(hub.broad, source)
    assert hub.delivers(hub.broad, beside)
    assert not hub.delivers(hub.narrow, beside)

    hub.give(hub.narrow)
    assert hub.delivers(hub.broad, inner.network_address)
    assert not hub.delivers(hub.narrow, inner.network_address)


# -- what is set ---------------------------------------------------------------------------


def test_a_preshared_key_that_is_set_reaches_the_tunnel_with_the_next_handshake() -> None:
    """Seen in gotatun: a key that was set by the configuration socket never got there."""
    simulation, a, b = pair()

    def set_preshared_key(host: Host, other: Host, key: str) -> None:
        """Do as `wg set wg0 peer ... preshared-key` does."""
        lines = [f"public_key={other.public_key.to_hex()}", f"preshared_key={key}"]
        host.tunnel.configure(decode_set(lines), host.now)

    def next_handshake_succeeds() -> bool:
        begin_ns = simulation.clock_ns
        simulation.every(SECOND, begin_ns + 130 * SECOND, lambda: a.say(b, b"."))
        simulation.run(122 * SECOND)  # the session is renewed after 120 s
        assert a.count(INITIATION, since_ns=begin_ns) >= 1
        assert b.count(RESPONSE, since_ns=begin_ns) >= 1
        heard = len(b.heard())
        simulation.run(59 * SECOND)  # and the old one is dead after 180 s
        a.say(b, b"last")
        simulation.run(SECOND)
        return len(b.heard()) > heard and b.heard()[-1] == b"last"

    a.say(b, b"hello")
    simulation.run(SECOND)
    for key in ("11" * 32, "22" * 32, "00" * 32):
        set_preshared_key(a, b, key)
        set_preshared_key(b, a, key)
        assert next_handshake_succeeds()
    set_preshared_key(a, b, "33" * 32)
    assert not next_handshake_succeeds()


@pytest.mark.root
def test_an_update_of_a_peer_that_exists_keeps_its_session_and_counters(
    new_host: HostMaker,
) -> None:
    """Seen in boringtun #209, #153 and #227, and in gotatun: it panicked, or started over."""
    left, right = new_host("left"), new_host("right")
    cable = link(left, right)
    keys, other_keys = new_key_pair(), new_key_pair()
    for host, number in ((left, 1), (right, 2)):
        OURS.start(host, "wg0")
        host.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", "wg0")
        host.run("ip", "link", "set", "wg0", "up")
    to_left = PeerSection(public_key=keys.public, allowed_ips=("10.77.0.1/32",))
    where = endpoint(cable.address(right, 4), 51820)
    to_right = PeerSection(
        public_key=other_keys.public, allowed_ips=("10.77.0.2/32",), endpoint=where
    )
    setconf(right, "wg0", configuration(other_keys.private, 51820, to_left))
    text = configuration(keys.private, 51820, to_right)
    setconf(left, "wg0", text)
    assert ping(left, "10.77.0.2", count=1).lost == 0

    def seen() -> tuple[int, int, int, str | None]:
        peer = show(left, "wg0").peers[other_keys.public]
        return peer.latest_handshake, peer.sent_bytes, peer.received_bytes, peer.endpoint

    before = seen()
    syncconf(left, "wg0", text)
    syncconf(left, "wg0", text.replace("10.77.0.2/32", "10.77.0.2/32, 10.78.0.0/16"))
    left.run(
        *("wg", "set", "wg0", "peer", other_keys.public, "endpoint", where),
        *("allowed-ips", "10.77.0.2/32"),
    )
    assert seen() == before
    assert ping(left, "10.77.0.2", count=1).lost == 0
    handshake, sent, received, _ = seen()
    assert handshake == before[0]
    assert (sent - before[1], received - before[2]) == (128, 128)  # one ping each way, no more


# -- many peers ----------------------------------------------------------------------------

MANY, FEW = 30_000, 3_000


def many_peers(count: int) -> str:
    """Return what wg(8) sends for a file of so many peers, each with an address."""
    lines = ["set=1", f"private_key={'11' * 32}", "listen_port=0", "fwmark=0", "replace_peers=true"]
    for number in range(count):
        lines += [
            f"public_key={os.urandom(32).hex()}",
            "endpoint=192.0.2.1:9",
            "persistent_keepalive_interval=0",
            "replace_allowed_ips=true",
            f"allowed_ip={IPv4Network((0x0A000000 + number, 32))}",
            f"allowed_ip={IPv6Network(((0xFD << 120) + number, 128))}",
        ]
    return "\n".join(lines) + "\n\n"


def ask_in_seconds(path: str, request: bytes) -> tuple[float, bytes]:
    """Send a request; return how long the whole reply took, and the reply."""
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(30)
        connection.connect(path)
        began = time.monotonic()
        connection.sendall(request)
        reply = bytearray()
        while not reply.endswith(b"\n\n"):
            octets = connection.recv(1 << 20)
            assert octets, "the engine hung up"
            reply += octets
        return time.monotonic() - began, bytes(reply)


@pytest.mark.root
def test_thirty_thousand_peers_are_taken_and_told_in_a_time_that_grows_with_their_number(
    new_host: HostMaker,
) -> None:
    """Seen in boringtun #222, #230 and PR #233: 24,000 peers overflowed the stack.

    And wgctrl-go #62: to ask about 20,000 peers was slow.
    """
    host = new_host("host")
    engine = OURS.start(host, "wg0")
    host.run("ip", "link", "set", "wg0", "up")
    path = f"/proc/{host.pid}/root/run/wireguard/wg0.sock"
    set_seconds, get_seconds = {}, {}
    for count in (FEW, MANY):
        set_seconds[count], reply = ask_in_seconds(path, many_peers(count).encode())
        assert reply == b"errno=0\n\n"
        get_seconds[count], reply = ask_in_seconds(path, b"get=1\n\n")
        assert reply.count(b"public_key=") == count
        assert reply.count(b"allowed_ip=") == 2 * count
    # ten times the peers: ten times as long is what it must be, a hundred what it must not
    assert get_seconds[MANY] < 30 * get_seconds[FEW], get_seconds
    assert set_seconds[MANY] < 30 * set_seconds[FEW], set_seconds
    assert get_seconds[MANY] < set_seconds[MANY]
    assert engine.is_running
    assert "Traceback" not in engine.output(), engine.output()
