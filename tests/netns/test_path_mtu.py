"""A path that takes less than its device: slower for its peer, and for nobody else.

narrow ── eth1 ── middle ── eth2 ── wide
            route to narrow: mtu 1300
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

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
from tests.netns.traffic import file_arrives_intact
from tests.netns.uapi import state

PORT = 51820
FILE_BYTES = 2_000_000
ETHERNET_OCTETS = 14
DEVICE_MTU, PATH_MTU = 1500, 1300


@dataclass(frozen=True, slots=True)
class Counts:
    """What a device has sent."""

    frames: int
    octets: int

    def mean_since(self, before: Counts) -> float:
        return (self.octets - before.octets) / (self.frames - before.frames)


def sent(host: Host, interface: str) -> Counts:
    statistics = f"/sys/class/net/{interface}/statistics"
    frames, octets = host.run("cat", f"{statistics}/tx_packets", f"{statistics}/tx_bytes").split()
    return Counts(int(frames), int(octets))


def set_up_end(host: Host, number: int, own: KeyPair, *peers: PeerSection) -> None:
    OURS.start(host, "wg0")
    host.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", "wg0")
    host.run("ip", "link", "set", "wg0", "up")
    setconf(host, "wg0", configuration(own.private, PORT, *peers))


def peer(keys: KeyPair, number: int, cable: Link, host: Host, outer: int) -> PeerSection:
    return PeerSection(
        public_key=keys.public,
        allowed_ips=(f"10.77.0.{number}/32",),
        endpoint=endpoint(cable.address(host, outer), PORT),
    )


@pytest.mark.parametrize("outer", [4, 6], ids=["outer v4", "outer v6"])
def test_a_route_mtu_below_the_device_mtu_costs_only_its_own_peer(
    new_host: HostMaker, outer: int
) -> None:
    narrow, middle, wide = (new_host(name) for name in ("narrow", "middle", "wide"))
    to_narrow, to_wide = link(narrow, middle, 1), link(middle, wide, 2)
    middle.run(
        *("ip", f"-{outer}", "route", "replace", to_narrow.address(narrow, outer)),
        *("dev", "eth1", "mtu", str(PATH_MTU)),
    )
    keys = {host: new_key_pair() for host in (narrow, middle, wide)}
    set_up_end(narrow, 2, keys[narrow], peer(keys[middle], 1, to_narrow, middle, outer))
    set_up_end(wide, 3, keys[wide], peer(keys[middle], 1, to_wide, middle, outer))
    set_up_end(
        *(middle, 1, keys[middle]),
        peer(keys[narrow], 2, to_narrow, narrow, outer),
        peer(keys[wide], 3, to_wide, wide, outer),
    )

    before_narrow, before_wide = sent(middle, "eth1"), sent(middle, "eth2")
    assert file_arrives_intact(middle, narrow, "10.77.0.2", size=FILE_BYTES)
    assert file_arrives_intact(middle, wide, "10.77.0.3", size=FILE_BYTES)
    assert sent(middle, "eth1").mean_since(before_narrow) < PATH_MTU + ETHERNET_OCTETS
    assert sent(middle, "eth2").mean_since(before_wide) > 2 * DEVICE_MTU

    refused = {each.public_key: each.refused_offloads for each in state(middle, "wg0").peers}
    assert {key.to_base64(): names for key, names in refused.items()} == {
        keys[narrow].public: ("udp-gso",),
        keys[wide].public: (),
    }

    # the other direction has no narrow route, and the acknowledgements still get through
    before = sent(narrow, "eth1")
    assert file_arrives_intact(narrow, middle, "10.77.0.1", size=FILE_BYTES)
    assert sent(narrow, "eth1").mean_since(before) > 2 * DEVICE_MTU
