"""Which endpoints are ours to set, and which names that takes."""

from __future__ import annotations

from dataclasses import replace

from netstart_wg.model.address import EndpointName
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.reconcile.endpoints import names_to_resolve, settled_peers
from netstart_wg.reconcile.record import record_of
from tests.strategies import ENDPOINTS, PUBLIC_KEYS

LAPTOP, OFFICE = PUBLIC_KEYS[2:4]
NAME = EndpointName("vpn.example.net", 51820)
OTHER_NAME = EndpointName("vpn.example.org", 51820)
HERE, THERE = ENDPOINTS[:2]

DESIRED = InterfaceConfig(
    name="wg0",
    wireguard=WireGuardConfig(
        peers=(
            PeerConfig(public_key=LAPTOP, endpoint=NAME),
            PeerConfig(public_key=OFFICE, endpoint=HERE),
        )
    ),
)
RUNNING = InterfaceState(
    name="wg0",
    index=7,
    flags=1,
    mtu=1420,
    wireguard=WireGuardState(
        peers=(
            PeerState(public_key=LAPTOP, endpoint=THERE),
            PeerState(public_key=OFFICE, endpoint=THERE),
        )
    ),
)
APPLIED = record_of(DESIRED, 7, None, {NAME: HERE})


def without_endpoints(running: InterfaceState) -> InterfaceState:
    assert running.wireguard is not None
    peers = tuple(replace(peer, endpoint=None) for peer in running.wireguard.peers)
    return replace(running, wireguard=WireGuardState(peers=peers))


def test_peers_that_were_given_what_the_file_declares_are_settled() -> None:
    assert RUNNING.wireguard is not None
    settled = settled_peers(DESIRED.wireguard, RUNNING.wireguard, APPLIED)
    assert settled == {LAPTOP, OFFICE}


def test_without_a_record_nobody_is_settled() -> None:
    assert RUNNING.wireguard is not None
    assert settled_peers(DESIRED.wireguard, RUNNING.wireguard, None) == frozenset()


def test_a_new_interface_needs_all_names() -> None:
    assert names_to_resolve(DESIRED, None, None) == {NAME}


def test_a_new_interface_needs_the_names_of_the_lines_before_its_commands_too() -> None:
    peers = (PeerConfig(public_key=LAPTOP, endpoint=OTHER_NAME),)
    before = replace(DESIRED, wireguard=WireGuardConfig(peers=peers))
    desired = replace(DESIRED, commands=(Command("true", before=before), Command("true")))
    assert names_to_resolve(desired, None, None) == {NAME, OTHER_NAME}
    assert names_to_resolve(desired, RUNNING, APPLIED) == frozenset()


def test_the_name_of_a_settled_peer_is_not_needed() -> None:
    assert names_to_resolve(DESIRED, RUNNING, APPLIED) == frozenset()


def test_the_record_of_a_former_interface_settles_nobody() -> None:
    assert names_to_resolve(DESIRED, RUNNING, replace(APPLIED, index=6)) == {NAME}


def test_a_peer_that_has_no_endpoint_needs_its_name() -> None:
    assert names_to_resolve(DESIRED, without_endpoints(RUNNING), APPLIED) == {NAME}


def test_a_name_that_is_new_in_the_file_is_needed() -> None:
    peers = (PeerConfig(public_key=LAPTOP, endpoint=OTHER_NAME),)
    desired = replace(DESIRED, wireguard=WireGuardConfig(peers=peers))
    assert names_to_resolve(desired, RUNNING, APPLIED) == {OTHER_NAME}
