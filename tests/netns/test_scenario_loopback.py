"""Scenarios 1 to 7 of netns.sh: a tunnel whose outside is nothing but a loopback interface.

         left                       outside                      right
    ┌──────────────┐      ┌────────── lo ──────────┐      ┌──────────────┐
    │ wg1          │╌╌╌╌╌╌│ :10001          :10002 │╌╌╌╌╌╌│ wg2          │
    │ 10.77.0.1/24 │      │ 127.0.0.1          ::1 │      │ 10.77.0.2/24 │
    │ fd77::1/64   │      └────────────────────────┘      │ fd77::2/64   │
    └──────────────┘                                      └──────────────┘

Both engines run outside, where their sockets are, and the interfaces have been
moved away: what does not go through the tunnel does not arrive.  As in netns.sh
the traffic is pings in bursts and iperf3, here of megabytes instead of seconds,
and iptables is nft.  Its comparison with the counters of the interface
is left out: a TUN's are the kernel's, and count what is inside.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.netns.datagrams import Listener, say
from tests.netns.ends import End, load
from tests.netns.engines import (
    Engine,
    PeerSection,
    endpoint,
    new_key_pair,
    new_preshared_key,
)
from tests.netns.hosts import Host, hosts
from tests.netns.traffic import file_arrives_intact
from tests.netns.waiting import eventually

PORT = {"left": 10001, "right": 10002}
LEFT, RIGHT = ("10.77.0.1", "fd77::1"), ("10.77.0.2", "fd77::2")
LOOPBACK = {4: "127.0.0.1", 6: "::1"}

MTU = 1420
BIG_MTU = 34816 - 1500 + MTU
LOAD = ("-n", "4M", "-w", "128K")
PARALLEL_LOAD = ("-P", "3", "-n", "6M", "-w", "128K")

HANDSHAKE_OCTETS = 148, 92
"""Initiation and response."""
PING_OCTETS = 16 + 96 + 16
"""20 + 8 + 56 octets of echo request, padded to 96, between header and tag."""
KEEPALIVE_OCTETS = 32


@dataclass(frozen=True, slots=True)
class Tunnel:
    outside: Host
    left: End
    right: End

    def configure(self, outer: int = 4, *, mtu: int = MTU) -> None:
        """Forget all sessions; tell both ends where the other is."""
        self.left.up(f"{LEFT[0]}/24", f"{LEFT[1]}/64", mtu=mtu)
        self.right.up(f"{RIGHT[0]}/24", f"{RIGHT[1]}/64", mtu=mtu)
        preshared_key = new_preshared_key()
        to_left, to_right = (
            PeerSection(
                public_key=end.keys.public,
                allowed_ips=addresses,
                endpoint=endpoint(LOOPBACK[outer], end.port),
                preshared_key=preshared_key,
            )
            for end, addresses in ((self.left, LEFT), (self.right, RIGHT))
        )
        # What is left of TCP streams may want to go out at once: nobody shall initiate before
        # the other can answer, and then wait for five seconds.
        self.left.configure(replace(to_right, endpoint=None))
        self.right.configure(to_left)
        self.left.set_peer(self.right, "endpoint", to_right.endpoint or "")


@pytest.fixture(scope="module")
def tunnel(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tunnel]:
    with hosts(tmp_path_factory.mktemp("loopback")) as new_host:
        outside, left, right = new_host("outside"), new_host("left"), new_host("right")
        yield Tunnel(
            outside,
            End.start(engine, "wg1", PORT["left"], outside, left),
            End.start(engine, "wg2", PORT["right"], outside, right),
        )


def datagrams_pass(sender: End, receiver: End, address: str) -> bool:
    """Send more datagrams than anybody can take, and tell whether some come through.

    iperf3 fails if the connection that it talks over is lost; its receiver may
    end before it has looked at a single datagram.
    """
    before = receiver.peer(sender).received_bytes
    load(sender.inside, receiver.inside, address, "-u", "-b", "0", "-n", "2M")
    return receiver.peer(sender).received_bytes - before > 32 << 10


@pytest.mark.scenario("1")
def test_a_handshake_and_ten_pings_are_counted_to_the_byte(tunnel: Tunnel) -> None:
    tunnel.configure()
    assert tunnel.right.floods(LEFT[0], count=10)

    initiation, response = HANDSHAKE_OCTETS
    sent = {initiation + 10 * PING_OCTETS, initiation + 10 * PING_OCTETS + KEEPALIVE_OCTETS}
    received = response + 10 * PING_OCTETS
    there, here = tunnel.left.peer(tunnel.right), tunnel.right.peer(tunnel.left)
    assert (here.sent_bytes in sent, here.received_bytes) == (True, received), here
    assert (there.sent_bytes, there.received_bytes) == (received, here.sent_bytes), there
    now = time.time()
    for peer in (there, here):
        assert now - 60 < peer.latest_handshake <= now


@pytest.mark.scenario("2")
def test_every_kind_of_traffic_passes(tunnel: Tunnel) -> None:
    for mtu in (MTU, BIG_MTU):
        for outer in (4, 6):
            tunnel.configure(outer, mtu=mtu)
            left, right = tunnel.left, tunnel.right
            for there, back in zip(RIGHT, LEFT, strict=True):
                assert left.floods(there)
                assert right.floods(back)
            assert left.reaches(*RIGHT, size=3 * mtu // 2)
            for there, back in zip(RIGHT, LEFT, strict=True):
                assert load(left.inside, right.inside, there, *LOAD) > 1 << 20
                assert datagrams_pass(right, left, back)
            assert load(left.inside, right.inside, RIGHT[0], *PARALLEL_LOAD) > 1 << 20
            assert load(right.inside, left.inside, LEFT[1], *PARALLEL_LOAD) > 1 << 20


@pytest.mark.scenario("3")
def test_padding_does_not_push_a_packet_past_its_path(tunnel: Tunnel) -> None:
    wg_mtu, route_mtu, headers = 1300, 1299, 28 + 32
    tunnel.configure()
    assert tunnel.left.reaches(RIGHT[0], size=MTU - 28)  # nobody remembers a longer path

    for end, there in ((tunnel.left, RIGHT[0]), (tunnel.right, LEFT[0])):
        end.inside.run("ip", "link", "set", end.interface, "mtu", str(wg_mtu))
        end.inside.run("ip", "route", "add", there, "dev", end.interface, "mtu", str(route_mtu))
        end.show()
    with_padding = wg_mtu + headers
    # What the rule sees shall be what a wire would: joined datagrams are cut before they go.
    tunnel.outside.run("ip", "link", "set", "lo", "gso_max_segs", "1")
    tunnel.outside.run(
        *("nft", "-f", "-"),
        text=f"""
        table ip path {{
            chain in {{
                type filter hook input priority filter
                udp length ge {with_padding - 20} drop
            }}
        }}
        """,
    )
    try:
        assert tunnel.right.reaches(LEFT[0], size=1269), "a packet of 1297 octets is lost"
        assert tunnel.right.reaches(LEFT[0], size=route_mtu - 28), "a full packet is lost"
        assert tunnel.right.reaches(LEFT[0], size=1269), "a packet of 1297 octets is lost"
        assert file_arrives_intact(
            tunnel.left.inside, tunnel.right.inside, RIGHT[0], size=100_000
        ), "a TCP stream stands still"
    finally:
        tunnel.outside.run("nft", "delete", "table", "ip", "path")
        tunnel.outside.run("ip", "link", "set", "lo", "gso_max_segs", "65535")
        for end, there in ((tunnel.left, RIGHT[0]), (tunnel.right, LEFT[0])):
            end.inside.run("ip", "route", "delete", there, "dev", end.interface)


@pytest.mark.scenario("4")
def test_a_peer_roams_to_another_address_port_and_family(tunnel: Tunnel) -> None:
    tunnel.configure()
    left, right, lo = tunnel.left, tunnel.right, ("dev", "lo")
    assert left.reaches(RIGHT[0])

    tunnel.outside.run("ip", "address", "delete", "127.0.0.1/8", *lo)
    tunnel.outside.run("ip", "address", "add", "127.212.121.99/8", *lo)
    try:
        left.set("listen-port", "9999")
        left.set_peer(right, "endpoint", f"127.0.0.1:{right.port}")
        assert left.reaches(RIGHT[1])
        assert right.peer(left).endpoint == "127.212.121.99:9999", (
            "it is not found at 127.212.121.99"
        )
    finally:
        # in this order: the second address of a network goes with the first
        tunnel.outside.run("ip", "address", "delete", "127.212.121.99/8", *lo)
        tunnel.outside.run("ip", "address", "add", "127.0.0.1/8", *lo)

    left.set("listen-port", "9998")
    left.set_peer(right, "endpoint", f"[::1]:{right.port}")
    assert left.reaches(RIGHT[0])
    assert right.peer(left).endpoint == "[::1]:9998", "it is not found at ::1"


@pytest.mark.scenario("5")
def test_a_forged_inner_source_is_dropped_but_its_sender_has_roamed(tunnel: Tunnel) -> None:
    tunnel.configure(6)
    left, right = tunnel.left, tunnel.right
    left.set_peer(right, "allowed-ips", "10.77.0.0/24,fd77::/64")
    listeners = [Listener(left.inside, address, 1111) for address in LEFT]
    say(right.inside, LEFT[0], 1111, b"before")
    eventually(lambda: listeners[0].heard() == [b"before"], what="a datagram through the tunnel")

    other = new_key_pair().public
    left.set("peer", other, "allowed-ips", RIGHT[0])
    right.set("listen-port", "9997")
    say(right.inside, LEFT[0], 1111, b"forged")
    eventually(
        lambda: left.peer(right).endpoint == "[::1]:9997", what="the endpoint of who forged it"
    )
    # What comes behind it, from an address that it may use, says when the forged one is over.
    say(right.inside, LEFT[1], 1111, b"after")
    eventually(lambda: listeners[1].heard() == [b"after"], what="a datagram after the forged one")
    assert listeners[0].heard() == [b"before"], "what was forged arrives"
    left.set("peer", other, "remove")
    assert left.peer(right).endpoint == "[::1]:9997"


@pytest.mark.scenario("6")
def test_a_new_private_key_shakes_hands_at_once(tunnel: Tunnel) -> None:
    tunnel.configure()
    left, right = tunnel.left, tunnel.right
    assert left.reaches(RIGHT[0])
    renewed = replace(left, keys=new_key_pair())
    preshared_key = left.peer(right).preshared_key
    assert preshared_key is not None
    left.set("private-key", "/dev/stdin", text=renewed.keys.private)
    right.set(
        *("peer", renewed.keys.public, "preshared-key", "/dev/stdin"),
        *("allowed-ips", LEFT[0], "peer", left.keys.public, "remove"),
        text=preshared_key,
    )
    began = time.monotonic()
    assert left.reaches(RIGHT[0]), "the next packet waits for the five seconds to be over"
    assert time.monotonic() - began < 5
    assert right.peer(renewed).latest_handshake > 0


@pytest.mark.scenario("7")
def test_a_tunnel_goes_through_a_tunnel(engine: Engine, tunnel: Tunnel) -> None:
    tunnel.configure()
    inner = [
        End.start(engine, "wg3", 10003, tunnel.left.inside),
        End.start(engine, "wg4", 10004, tunnel.right.inside),
    ]
    addresses = ("10.78.0.1", "fd78::1"), ("10.78.0.2", "fd78::2")
    for (end, own), (other, theirs), where in zip(
        *(zip(inner, addresses, strict=True),),
        *(zip(reversed(inner), reversed(addresses), strict=True),),
        (RIGHT[1], LEFT[1]),
        strict=True,
    ):
        end.up(f"{own[0]}/24", f"{own[1]}/64", mtu=1340)
        end.configure(
            PeerSection(
                public_key=other.keys.public,
                allowed_ips=theirs,
                endpoint=endpoint(where, other.port),
            )
        )
    left, right = inner
    for there, back in zip(*reversed(addresses), strict=True):
        assert left.floods(there)
        assert right.floods(back)
    for there, back in zip(*reversed(addresses), strict=True):
        assert load(left.inside, right.inside, there, *LOAD) > 1 << 20
        assert datagrams_pass(right, left, back)
    for end in inner:
        end.process.stop()
