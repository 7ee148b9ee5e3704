"""A change to one peer, while traffic flows through another: the other one never notices.

    near ── eth1 ── hub ── eth2 ── far

A flood of echo requests goes from near to the hub through the tunnel while the
hub's peer far is changed, removed and added again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.netns.capture import Capture
from tests.netns.engines import (
    NETSTART_WG,
    OURS,
    KeyPair,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    new_preshared_key,
    setconf,
    show,
    syncconf,
)
from tests.netns.hosts import Host, HostMaker, Link, link
from tests.netns.kinds import EMBEDDED, ENGINES, Kind
from tests.netns.traffic import Flood, pings
from tests.netns.waiting import eventually

PORT = 51820
TRANSPORT_DATA = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    host: Host
    keys: KeyPair
    folder: Path
    """Where its hostname file is."""
    kind: Kind = EMBEDDED

    def set_up_by_hand(self) -> None:
        OURS.start(self.host, "wg0")
        self.host.run("ip", "address", "add", "10.0.0.1/24", "dev", "wg0")
        self.host.run("ip", "link", "set", "wg0", "up")

    def apply_by_syncconf(self, peers: Sequence[PeerSection]) -> None:
        if not self.host.has_interface("wg0"):
            self.set_up_by_hand()
        syncconf(self.host, "wg0", configuration(self.keys.private, PORT, *peers))

    def apply_by_netstart(self, peers: Sequence[PeerSection]) -> None:
        lines = f"wgkey {self.keys.private} wgport {PORT}\ninet 10.0.0.1/24\n"
        file = self.folder / "hostname.wg0"
        file.touch(mode=0o600)
        file.write_text(lines + "".join(peer.hostname_line() for peer in peers))
        self.kind.choose(self.folder)
        self.host.run(NETSTART_WG, "-C", str(self.folder))


Apply = Callable[[Hub, Sequence[PeerSection]], None]


def add_spoke(new_host: HostMaker, hub: Hub, name: str, number: int) -> tuple[Host, Link, KeyPair]:
    """Make a host with a tunnel to the hub; it knows where the hub is."""
    host, keys = new_host(name), new_key_pair()
    cable = link(host, hub.host, number)
    OURS.start(host, "wg0")
    host.run("ip", "address", "add", f"10.0.0.{1 + number}/24", "dev", "wg0")
    host.run("ip", "link", "set", "wg0", "up")
    to_hub = PeerSection(
        public_key=hub.keys.public,
        allowed_ips=("10.0.0.0/24",),
        endpoint=endpoint(cable.address(hub.host, 4), PORT),
    )
    setconf(host, "wg0", configuration(keys.private, PORT, to_hub))
    return host, cable, keys


def fates_of(far: PeerSection) -> list[list[PeerSection]]:
    """What becomes of the peer far, one after the other."""
    return [
        [replace(far, allowed_ips=(*far.allowed_ips, "10.8.0.0/16"))],
        [replace(far, preshared_key=new_preshared_key())],
        [replace(far, endpoint="192.0.2.250:1", persistent_keepalive=1)],
        [],
        [far],
        [far, PeerSection(public_key=new_key_pair().public, allowed_ips=("10.9.0.0/16",))],
    ]


@pytest.mark.parametrize(
    ("apply", "kind"),
    [
        pytest.param(Hub.apply_by_syncconf, EMBEDDED, id="wg syncconf"),
        *(pytest.param(Hub.apply_by_netstart, kind, id=f"netstart-wg-{kind}") for kind in ENGINES),
    ],
)
def test_a_change_to_one_peer_is_not_felt_by_another(
    new_host: HostMaker, tmp_path: Path, apply: Apply, kind: Kind
) -> None:
    hub = Hub(host=new_host("hub"), keys=new_key_pair(), folder=tmp_path, kind=kind)
    near_host, near_cable, near_keys = add_spoke(new_host, hub, "near", 1)
    far_host, _, far_keys = add_spoke(new_host, hub, "far", 2)
    near = PeerSection(public_key=near_keys.public, allowed_ips=("10.0.0.2/32",))
    far = PeerSection(public_key=far_keys.public, allowed_ips=("10.0.0.3/32",))
    apply(hub, [near, far])
    assert pings(near_host, "10.0.0.1")
    assert pings(far_host, "10.0.0.1")
    before = show(hub.host, "wg0").peers[near.public_key]

    capture = Capture(hub.host, near_cable.interface, tmp_path)
    flood = Flood(near_host, "10.0.0.1")
    for fate in fates_of(far):
        apply(hub, [near, *fate])
        assert set(show(hub.host, "wg0").peers) == {peer.public_key for peer in (near, *fate)}
    assert flood.stop() == []

    after = show(hub.host, "wg0").peers[near.public_key]
    assert after.latest_handshake == before.latest_handshake > 0
    assert after.endpoint == before.endpoint
    assert after.received_bytes > before.received_bytes
    messages = eventually(capture.messages, lambda found: len(found) > len(flood.replies()))
    assert {message.type for message in messages} == {TRANSPORT_DATA}
    sessions = {(message.source, message.receiver_index) for message in messages}
    assert len(sessions) == 2, "one index in each direction"
