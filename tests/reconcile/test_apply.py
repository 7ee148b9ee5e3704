"""What a change makes of a device: each rule by itself, and all of them against the real engine."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.address import Endpoint, IPNetwork
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PresharedKey, PublicKey
from netstart_wg.model.now import Now
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.protocol.device import Device
from netstart_wg.reconcile.apply import apply_change
from tests.strategies import PRIVATE_KEYS, PUBLIC_KEYS, device_changes, wireguard_states

OWN_KEY = PRIVATE_KEYS[0]
OWN, _, LAPTOP, OFFICE, STRANGER, _ = PUBLIC_KEYS

EVERYTHING = PeerState(
    public_key=LAPTOP,
    preshared_key=PresharedKey(bytes([1]) * 32),
    endpoint=Endpoint(IPv4Address("192.0.2.1"), 51820),
    last_handshake_ns=1,
    tx_bytes=2,
    rx_bytes=3,
    persistent_keepalive=25,
    allowed_ips=(ip_network("10.0.0.2/32"), ip_network("10.0.1.0/24")),
    description="laptop",
)
TWO_PEERS = WireGuardState(
    private_key=OWN_KEY,
    listen_port=51820,
    fwmark=1,
    peers=(EVERYTHING, PeerState(public_key=OFFICE, allowed_ips=(ip_network("10.1.0.0/16"),))),
)


def networks(*texts: str) -> tuple[IPNetwork, ...]:
    return tuple(ip_network(text) for text in texts)


def applied(*peers: PeerChange, **interface: object) -> WireGuardState:
    return apply_change(TWO_PEERS, DeviceChange(peers=peers, **interface), public_key_of)  # type: ignore[arg-type]


def allowed_ips(state: WireGuardState) -> dict[PublicKey, tuple[IPNetwork, ...]]:
    return {peer.public_key: peer.allowed_ips for peer in state.peers}


@given(wireguard_states())
def test_an_empty_change_changes_nothing(state: WireGuardState) -> None:
    assert apply_change(state, DeviceChange(), public_key_of) == state


def test_a_new_peer_comes_last_and_has_only_what_it_is_given() -> None:
    state = applied(PeerChange(public_key=STRANGER, persistent_keepalive=5))
    assert state.peers == (
        *TWO_PEERS.peers,
        PeerState(public_key=STRANGER, persistent_keepalive=5),
    )


def test_an_allowed_ip_moves_from_its_former_owner() -> None:
    state = applied(PeerChange(public_key=OFFICE, add_allowed_ips=networks("10.0.0.2/32")))
    assert allowed_ips(state) == {
        LAPTOP: networks("10.0.1.0/24"),
        OFFICE: networks("10.1.0.0/16", "10.0.0.2/32"),
    }


def test_an_allowed_ip_that_is_there_keeps_its_place() -> None:
    state = applied(PeerChange(public_key=LAPTOP, add_allowed_ips=networks("10.0.0.2/32")))
    assert state == TWO_PEERS


def test_a_list_is_cleared_before_the_additions() -> None:
    change = PeerChange(
        public_key=LAPTOP, replace_allowed_ips=True, add_allowed_ips=networks("10.9.0.0/24")
    )
    assert allowed_ips(applied(change))[LAPTOP] == networks("10.9.0.0/24")


def test_removals_come_after_the_additions() -> None:
    change = PeerChange(
        public_key=OFFICE,
        add_allowed_ips=networks("10.0.0.2/32"),
        remove_allowed_ips=networks("10.0.0.2/32"),
    )
    assert allowed_ips(applied(change)) == {
        LAPTOP: networks("10.0.1.0/24"),
        OFFICE: networks("10.1.0.0/16"),
    }


def test_an_allowed_ip_of_another_peer_is_not_removed() -> None:
    change = PeerChange(public_key=OFFICE, remove_allowed_ips=networks("10.0.0.2/32"))
    assert applied(change) == TWO_PEERS


def test_a_removed_peer_gives_its_allowed_ips_free() -> None:
    state = applied(
        PeerChange(public_key=LAPTOP, remove=True),
        PeerChange(public_key=OFFICE, add_allowed_ips=networks("10.0.0.2/32")),
    )
    assert allowed_ips(state) == {OFFICE: networks("10.1.0.0/16", "10.0.0.2/32")}


def test_removing_a_peer_that_is_not_there_changes_nothing() -> None:
    assert applied(PeerChange(public_key=STRANGER, remove=True)) == TWO_PEERS


def test_updating_a_peer_that_is_not_there_changes_nothing() -> None:
    change = PeerChange(
        public_key=STRANGER, update_only=True, add_allowed_ips=networks("10.0.0.2/32")
    )
    assert applied(change) == TWO_PEERS


def test_clearing_leaves_counters_and_endpoint() -> None:
    change = PeerChange(
        public_key=LAPTOP,
        preshared_key=None,
        persistent_keepalive=0,
        replace_allowed_ips=True,
        description=None,
    )
    assert applied(change).peers[0] == PeerState(
        public_key=LAPTOP,
        endpoint=EVERYTHING.endpoint,
        last_handshake_ns=1,
        tx_bytes=2,
        rx_bytes=3,
    )


def test_all_peers_go_before_the_first_comes() -> None:
    state = applied(PeerChange(public_key=LAPTOP), replace_peers=True)
    assert state.peers == (PeerState(public_key=LAPTOP),)


def test_a_peer_with_the_own_key_is_refused_and_takes_nothing() -> None:
    change = PeerChange(public_key=OWN, add_allowed_ips=networks("10.0.0.2/32"))
    assert applied(change) == TWO_PEERS


def test_a_new_private_key_removes_the_peer_that_has_its_public_key() -> None:
    before = WireGuardState(peers=(PeerState(public_key=OWN), PeerState(public_key=LAPTOP)))
    after = apply_change(before, DeviceChange(private_key=OWN_KEY), public_key_of)
    assert after == WireGuardState(private_key=OWN_KEY, peers=(PeerState(public_key=LAPTOP),))


def test_without_a_private_key_any_peer_is_accepted() -> None:
    state = applied(PeerChange(public_key=OWN), private_key=None)
    assert OWN in allowed_ips(state)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (DeviceChange(listen_port=0), 0),
        (DeviceChange(listen_port=1), 1),
        (DeviceChange(fwmark=7), 51820),
    ],
)
def test_a_port_is_set_only_if_it_is_named(change: DeviceChange, expected: int) -> None:
    assert apply_change(TWO_PEERS, change, public_key_of).listen_port == expected


@given(st.lists(device_changes(), max_size=3))
def test_the_engine_makes_the_same_of_every_change(changes: list[DeviceChange]) -> None:
    device, state = Device(bytes), WireGuardState()
    for change in changes:
        device.configure(change, Now(boottime_ns=0, realtime_ns=0))
        state = apply_change(state, change, public_key_of)
        assert device.state() == state
