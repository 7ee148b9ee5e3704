"""A link that takes less than it is sent: its queue drops, and the other links go on.

slow ── eth1, 1 Mbit/s ── middle ── eth2 ── quick
"""

from __future__ import annotations

import json
import sys
from functools import partial

from tests.netns.engines import (
    OURS,
    KeyPair,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
)
from tests.netns.hosts import Host, HostMaker, Link, link
from tests.netns.traffic import ping
from tests.netns.waiting import eventually

PORT = 51820
QUEUE_OCTETS = 16_000_000
"""Of the slow link; more than a socket's buffer usually holds."""
MUCH_OCTETS = 8_000_000

FLOOD = """
import socket, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(600):
    for _ in range(20):
        sender.sendto(bytes(1300), ("10.77.0.1", 9))
    time.sleep(0.01)
"""
"""Some 20 Mbit/s, for less than ten seconds."""


def set_up_end(host: Host, number: int, own: KeyPair, *peers: PeerSection) -> None:
    OURS.start(host, "wg0")
    host.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", "wg0")
    host.run("ip", "link", "set", "wg0", "up")
    setconf(host, "wg0", configuration(own.private, PORT, *peers))


def peer(keys: KeyPair, network: str, cable: Link, host: Host) -> PeerSection:
    return PeerSection(
        public_key=keys.public,
        allowed_ips=(network,),
        endpoint=endpoint(cable.address(host, 4), PORT),
    )


def waiting_octets(host: Host, interface: str) -> int:
    (queue,) = json.loads(host.run("tc", "-s", "-j", "qdisc", "show", "dev", interface))
    backlog: int = queue["backlog"]
    return backlog


def test_a_peer_behind_a_slow_link_holds_up_nobody_behind_another(new_host: HostMaker) -> None:
    middle, slow, quick = new_host("middle"), new_host("slow"), new_host("quick")
    to_slow, to_quick = link(middle, slow, 1), link(middle, quick, 2)
    own, theirs, others = new_key_pair(), new_key_pair(), new_key_pair()
    set_up_end(slow, 1, theirs, peer(own, "10.77.0.0/24", to_slow, middle))
    set_up_end(quick, 2, others, peer(own, "10.77.0.0/24", to_quick, middle))
    set_up_end(
        middle,
        3,
        own,
        peer(theirs, "10.77.0.1/32", to_slow, slow),
        peer(others, "10.77.0.2/32", to_quick, quick),
    )
    for number in (1, 2):
        assert ping(middle, f"10.77.0.{number}").lost == 0
    shaper = ("root", "tbf", "rate", "1mbit", "burst", "10kb", "limit", str(QUEUE_OCTETS))
    middle.run("tc", "qdisc", "add", "dev", to_slow.interface, *shaper)
    middle.start(sys.executable, "-c", FLOOD)
    eventually(
        partial(waiting_octets, middle, to_slow.interface),
        lambda octets: octets > MUCH_OCTETS,
        what="a queue that is longer than a socket's buffer",
    )
    assert ping(middle, "10.77.0.2", count=10).received >= 9
