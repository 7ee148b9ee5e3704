"""Scenarios 8 and 11 of netns.sh: tunnels whose outside leads back into them.

        near ──────────── eth1 ──────────── middle ──────────── eth2 ──────────── far
     wg0 10.77.0.1                    wg0's engine                           wg0 10.77.0.2
     (from the middle)                wg1 10.78.0.1                          wg1 10.78.0.2

Of two tunnels to far, wg0 has its interface in near and its sockets in the
middle.  A packet that leaves the middle for 10.77.0.2 goes to near, and there
into wg0: so an endpoint of 10.77.0.2 makes a loop through two namespaces.  wg1
carries the tunnels inside one interface.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.netns.ends import End
from tests.netns.engines import Engine, PeerSection, endpoint
from tests.netns.hosts import Host, Link, hosts, link

BOUND_OCTETS = 70_000


@dataclass(frozen=True, slots=True)
class Net:
    near: Host
    middle: Host
    far: Host
    cable: Link


@pytest.fixture
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    with hosts(tmp_path_factory.mktemp("loops")) as new_host:
        near, middle, far = (new_host(name) for name in ("near", "middle", "far"))
        to_near, to_far = link(near, middle, 1), link(middle, far, 2)
        near.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        middle.run("ip", "route", "add", "10.77.0.0/24", "via", to_near.address(near, 4))
        yield Net(near, middle, far, to_far)


def join(cable: Link, here: End, there: End, network: str) -> None:
    """Make a tunnel over the cable, with the first two addresses of a network."""
    for number, end, other in ((1, here, there), (2, there, here)):
        end.up(f"{network}.{number}/24")
        peer = PeerSection(public_key=other.keys.public, allowed_ips=(f"{network}.{3 - number}",))
        end.configure(peer)
    far = cable.address(there.outside, 4)
    here.set_peer(there, "endpoint", endpoint(far, there.port))
    assert here.reaches(f"{network}.2")


@pytest.mark.scenario("8")
def test_a_routing_loop_stays_small(engine: Engine, net: Net) -> None:
    here = End.start(engine, "wg0", 10001, net.middle, net.near)
    there = End.start(engine, "wg0", 10002, net.far)
    join(net.cable, here, there, "10.77.0")

    here.set_peer(there, "endpoint", endpoint("10.77.0.2", there.port))
    before = here.peer(there).sent_bytes
    assert not here.floods("10.77.0.2")  # which takes its time
    grown = here.peer(there).sent_bytes - before
    assert grown < BOUND_OCTETS, "ten pings go round for ever"


@pytest.mark.scenario("11")
def test_tunnels_inside_one_interface_block_nothing(engine: Engine, net: Net) -> None:
    here = End.start(engine, "wg1", 10001, net.middle)
    there = End.start(engine, "wg1", 10002, net.far)
    join(net.cable, here, there, "10.78.0")

    inner = End.start(engine, "wg2", 10003, net.far)
    inner.up("10.79.0.2/24")
    inner.configure(PeerSection(public_key=here.keys.public, allowed_ips=("10.79.0.1",)))
    here.inside.run("ip", "address", "add", "10.79.0.1/24", "dev", "wg1")
    here.set_peer(
        *(inner, "allowed-ips", "10.79.0.2"), "endpoint", endpoint("10.78.0.2", inner.port)
    )
    assert here.reaches("10.79.0.2"), "a tunnel inside its own interface carries nothing"

    here.set_peer(inner, "endpoint", endpoint("10.79.0.2", inner.port))
    assert not here.reaches("10.79.0.2")
    assert here.reaches("10.78.0.2"), "the other peer is gone as well"
    here.set_peer(inner, "remove")
    assert here.reaches("10.78.0.2")
