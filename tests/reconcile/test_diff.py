"""What an engine is told: only what differs."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import given

from netstart_wg.model.address import Endpoint, EndpointName, IPNetwork
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.config import PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.apply import apply_change
from netstart_wg.reconcile.diff import diff_device
from tests.strategies import (
    ENDPOINTS,
    PRESHARED_KEYS,
    PRIVATE_KEYS,
    PUBLIC_KEYS,
    wireguard_configs,
    wireguard_states,
)

OWN_KEY, OTHER_KEY = PRIVATE_KEYS[:2]
OWN, _, LAPTOP, OFFICE, STRANGER, _ = PUBLIC_KEYS
NAME = EndpointName("vpn.example.net", 51820)
HERE, THERE = ENDPOINTS[:2]

RUNNING = WireGuardState(
    private_key=OWN_KEY,
    listen_port=51820,
    peers=(
        PeerState(
            public_key=LAPTOP,
            preshared_key=PRESHARED_KEYS[0],
            endpoint=HERE,
            last_handshake_ns=1,
            tx_bytes=1,
            rx_bytes=1,
            persistent_keepalive=25,
            allowed_ips=(ip_network("10.0.0.2/32"), ip_network("10.0.0.3/32")),
            description="laptop",
        ),
        PeerState(public_key=OFFICE, allowed_ips=(ip_network("10.1.0.0/16"),)),
    ),
)
LAPTOP_CONFIG = PeerConfig(
    public_key=LAPTOP,
    preshared_key=PRESHARED_KEYS[0],
    endpoint=HERE,
    persistent_keepalive=25,
    allowed_ips=(ip_network("10.0.0.2/32"), ip_network("10.0.0.3/32")),
    description="laptop",
)
OFFICE_CONFIG = PeerConfig(public_key=OFFICE, allowed_ips=(ip_network("10.1.0.0/16"),))
DESIRED = WireGuardConfig(
    private_key=OWN_KEY, listen_port=51820, peers=(LAPTOP_CONFIG, OFFICE_CONFIG)
)


def networks(*texts: str) -> tuple[IPNetwork, ...]:
    return tuple(ip_network(text) for text in texts)


def difference(
    desired: WireGuardConfig,
    running: WireGuardState = RUNNING,
    applied: AppliedRecord | None = None,
    resolved: dict[EndpointName, Endpoint] | None = None,
) -> DeviceChange:
    return diff_device(desired, running, applied, resolved or {}, public_key_of)


def peer_difference(*peers: PeerConfig) -> tuple[PeerChange, ...]:
    return difference(replace(DESIRED, peers=peers)).peers


def test_nothing_is_said_of_what_is_equal() -> None:
    assert difference(DESIRED).is_empty


def test_an_engine_that_has_everything_needs_no_arithmetic_on_keys() -> None:
    def refuse(key: PrivateKey) -> PublicKey:
        raise AssertionError("derived a public key")

    assert diff_device(DESIRED, RUNNING, None, {}, refuse).is_empty


# -- the interface -------------------------------------------------------------------------------


def test_another_private_key_is_set() -> None:
    change = difference(replace(DESIRED, private_key=OTHER_KEY))
    assert change == DeviceChange(private_key=OTHER_KEY)


@pytest.mark.parametrize("absent", [None, PrivateKey(bytes(32))])
def test_a_private_key_that_the_file_does_not_have_is_cleared(absent: PrivateKey | None) -> None:
    assert difference(replace(DESIRED, private_key=absent)) == DeviceChange(private_key=None)


def test_a_port_that_the_file_names_is_set() -> None:
    assert difference(replace(DESIRED, listen_port=7)) == DeviceChange(listen_port=7)


@pytest.mark.parametrize("port", [None, 0])
def test_a_port_that_was_chosen_is_kept_where_any_will_do(port: int | None) -> None:
    assert difference(replace(DESIRED, listen_port=port)).is_empty


def test_the_rdomain_of_the_sockets_is_set_in_one_change_with_the_port() -> None:
    desired = replace(DESIRED, wgrtable=2, listen_port=51821)
    assert difference(desired) == DeviceChange(wgrtable=2, listen_port=51821)
    assert difference(DESIRED, replace(RUNNING, wgrtable=2)) == DeviceChange(wgrtable=0)


@pytest.mark.parametrize("wanted", [0, 2])
def test_sockets_whose_rdomain_was_deleted_are_to_be_where_the_file_says(wanted: int) -> None:
    orphaned = replace(RUNNING, wgrtable=None)
    assert difference(replace(DESIRED, wgrtable=wanted), orphaned) == DeviceChange(wgrtable=wanted)


@pytest.mark.parametrize("there", [None, 0, 2])
def test_sockets_that_nothing_is_said_of_stay_where_they_are(there: int | None) -> None:
    desired, running = replace(DESIRED, wgrtable=None), replace(RUNNING, wgrtable=there)
    assert difference(desired, running).is_empty


def test_a_mark_is_left_alone() -> None:
    assert difference(DESIRED, replace(RUNNING, fwmark=7)).is_empty


# -- peers ---------------------------------------------------------------------------------------


def test_a_new_peer_is_created_with_everything_it_has() -> None:
    new = replace(LAPTOP_CONFIG, public_key=STRANGER, allowed_ips=networks("10.9.0.0/24"))
    assert peer_difference(LAPTOP_CONFIG, OFFICE_CONFIG, new) == (
        PeerChange(
            public_key=STRANGER,
            preshared_key=PRESHARED_KEYS[0],
            endpoint=HERE,
            persistent_keepalive=25,
            replace_allowed_ips=True,
            add_allowed_ips=networks("10.9.0.0/24"),
            description="laptop",
        ),
    )


def test_of_a_new_peer_nothing_is_said_that_it_does_not_have() -> None:
    new = PeerConfig(public_key=STRANGER)
    assert peer_difference(LAPTOP_CONFIG, OFFICE_CONFIG, new) == (
        PeerChange(public_key=STRANGER, replace_allowed_ips=True),
    )


def test_a_peer_that_the_file_does_not_have_is_removed() -> None:
    assert peer_difference(LAPTOP_CONFIG) == (PeerChange(public_key=OFFICE, remove=True),)


def test_removals_come_last() -> None:
    changes = peer_difference(OFFICE_CONFIG, PeerConfig(public_key=STRANGER))
    assert [change.remove for change in changes] == [False, True]


def test_the_order_of_peers_and_allowed_ips_is_no_difference() -> None:
    laptop = replace(LAPTOP_CONFIG, allowed_ips=LAPTOP_CONFIG.allowed_ips[::-1])
    assert peer_difference(OFFICE_CONFIG, laptop) == ()


@pytest.mark.parametrize(
    ("laptop", "change"),
    [
        (
            replace(LAPTOP_CONFIG, preshared_key=PRESHARED_KEYS[1]),
            PeerChange(public_key=LAPTOP, update_only=True, preshared_key=PRESHARED_KEYS[1]),
        ),
        (
            replace(LAPTOP_CONFIG, preshared_key=None),
            PeerChange(public_key=LAPTOP, update_only=True, preshared_key=None),
        ),
        (
            replace(LAPTOP_CONFIG, preshared_key=PresharedKey(bytes(32))),
            PeerChange(public_key=LAPTOP, update_only=True, preshared_key=None),
        ),
        (
            replace(LAPTOP_CONFIG, persistent_keepalive=0),
            PeerChange(public_key=LAPTOP, update_only=True, persistent_keepalive=0),
        ),
        (
            replace(LAPTOP_CONFIG, description=None),
            PeerChange(public_key=LAPTOP, update_only=True, description=None),
        ),
        (
            replace(LAPTOP_CONFIG, endpoint=THERE),
            PeerChange(public_key=LAPTOP, update_only=True, endpoint=THERE),
        ),
        (
            replace(LAPTOP_CONFIG, allowed_ips=networks("10.0.0.3/32", "10.0.0.4/32")),
            PeerChange(
                public_key=LAPTOP,
                update_only=True,
                add_allowed_ips=networks("10.0.0.4/32"),
                remove_allowed_ips=networks("10.0.0.2/32"),
            ),
        ),
    ],
)
def test_of_a_peer_that_is_there_only_the_difference_is_said(
    laptop: PeerConfig, change: PeerChange
) -> None:
    assert peer_difference(laptop, OFFICE_CONFIG) == (change,)


def test_an_allowed_ip_that_moves_is_one_addition_at_its_new_owner() -> None:
    laptop = replace(LAPTOP_CONFIG, allowed_ips=networks("10.0.0.2/32"))
    office = replace(OFFICE_CONFIG, allowed_ips=networks("10.1.0.0/16", "10.0.0.3/32"))
    assert peer_difference(laptop, office) == (
        PeerChange(public_key=OFFICE, update_only=True, add_allowed_ips=networks("10.0.0.3/32")),
    )


def test_an_allowed_ip_moves_from_a_peer_that_goes_before_it_goes() -> None:
    office = replace(OFFICE_CONFIG, allowed_ips=networks("10.1.0.0/16", "10.0.0.3/32"))
    assert peer_difference(office) == (
        PeerChange(public_key=OFFICE, update_only=True, add_allowed_ips=networks("10.0.0.3/32")),
        PeerChange(public_key=LAPTOP, remove=True),
    )


def test_of_two_peers_that_claim_an_allowed_ip_the_last_has_it() -> None:
    office = replace(OFFICE_CONFIG, allowed_ips=networks("10.1.0.0/16", "10.0.0.3/32"))
    assert peer_difference(LAPTOP_CONFIG, office) == (
        PeerChange(public_key=OFFICE, update_only=True, add_allowed_ips=networks("10.0.0.3/32")),
    )


def test_a_peer_with_the_own_key_is_passed_over() -> None:
    own = PeerConfig(public_key=OWN, allowed_ips=networks("10.9.0.0/24"))
    assert peer_difference(LAPTOP_CONFIG, OFFICE_CONFIG, own) == ()


def test_a_peer_whose_key_becomes_the_own_one_is_passed_over_too() -> None:
    running = replace(RUNNING, private_key=None, peers=(*RUNNING.peers, PeerState(public_key=OWN)))
    desired = replace(DESIRED, peers=(*DESIRED.peers, PeerConfig(public_key=OWN, description="I")))
    change = difference(desired, running)
    assert change.private_key == OWN_KEY
    assert change.peers == (PeerChange(public_key=OWN, remove=True),)


# -- endpoints -----------------------------------------------------------------------------------

APPLIED_HERE = AppliedRecord(interface="wg0", index=7, endpoints=((LAPTOP.to_base64(), str(HERE)),))
APPLIED_NAME = AppliedRecord(interface="wg0", index=7, endpoints=((LAPTOP.to_base64(), str(NAME)),))
ROAMED = replace(RUNNING, peers=(replace(RUNNING.peers[0], endpoint=THERE), RUNNING.peers[1]))
LOST = replace(RUNNING, peers=(replace(RUNNING.peers[0], endpoint=None), RUNNING.peers[1]))
BY_NAME = replace(DESIRED, peers=(replace(LAPTOP_CONFIG, endpoint=NAME), OFFICE_CONFIG))

BACK_HERE = DeviceChange(peers=(PeerChange(public_key=LAPTOP, update_only=True, endpoint=HERE),))


def test_a_peer_that_roamed_is_left_where_it_is() -> None:
    assert difference(DESIRED, ROAMED, APPLIED_HERE).is_empty


def test_without_a_record_a_peer_is_called_back() -> None:
    assert difference(DESIRED, ROAMED) == BACK_HERE


def test_a_peer_without_an_endpoint_is_given_the_declared_one_again() -> None:
    assert difference(DESIRED, LOST, APPLIED_HERE) == BACK_HERE


def test_an_endpoint_that_the_file_declares_anew_is_set_wherever_the_peer_is() -> None:
    assert difference(DESIRED, ROAMED, APPLIED_NAME) == BACK_HERE


def test_a_peer_that_roamed_gets_its_other_changes_all_the_same() -> None:
    laptop = replace(LAPTOP_CONFIG, description="tablet")
    desired = replace(DESIRED, peers=(laptop, OFFICE_CONFIG))
    assert difference(desired, ROAMED, APPLIED_HERE).peers == (
        PeerChange(public_key=LAPTOP, update_only=True, description="tablet"),
    )


def test_an_endpoint_that_left_the_file_is_left_alone() -> None:
    laptop = replace(LAPTOP_CONFIG, endpoint=None)
    assert peer_difference(laptop, OFFICE_CONFIG) == ()


def test_a_name_is_set_to_what_it_resolves_to() -> None:
    assert difference(BY_NAME, ROAMED, resolved={NAME: HERE}) == BACK_HERE


def test_a_name_that_resolves_to_another_address_does_not_call_a_peer_back() -> None:
    assert difference(BY_NAME, RUNNING, APPLIED_NAME, {NAME: THERE}).is_empty


def test_a_name_that_does_not_resolve_leaves_the_endpoint_alone() -> None:
    assert difference(BY_NAME).is_empty


def test_a_new_peer_whose_name_does_not_resolve_is_created_without_an_endpoint() -> None:
    new = PeerConfig(public_key=STRANGER, endpoint=NAME)
    assert peer_difference(LAPTOP_CONFIG, OFFICE_CONFIG, new) == (
        PeerChange(public_key=STRANGER, replace_allowed_ips=True),
    )


# -- all at once ---------------------------------------------------------------------------------


@given(wireguard_configs(), wireguard_states())
def test_once_applied_there_is_no_difference(
    desired: WireGuardConfig, running: WireGuardState
) -> None:
    after = apply_change(running, difference(desired, running), public_key_of)
    assert difference(desired, after).is_empty


@given(wireguard_configs(), wireguard_states())
def test_a_peer_that_is_as_it_should_be_is_not_named(
    desired: WireGuardConfig, running: WireGuardState
) -> None:
    named = {change.public_key for change in difference(desired, running).peers}
    present = {peer.public_key: peer for peer in running.peers}
    for peer in desired.peers:
        if peer.public_key in present and is_as_it_should_be(peer, present[peer.public_key]):
            assert peer.public_key not in named


def is_as_it_should_be(wanted: PeerConfig, peer: PeerState) -> bool:
    has_endpoint = not isinstance(wanted.endpoint, Endpoint) or wanted.endpoint == peer.endpoint
    return has_endpoint and (
        (wanted.preshared_key, wanted.persistent_keepalive, wanted.description)
        == (peer.preshared_key, peer.persistent_keepalive, peer.description)
        and set(wanted.allowed_ips) == set(peer.allowed_ips)
    )


@given(wireguard_configs(), wireguard_states())
def test_what_a_peer_keeps_it_has_at_every_moment(
    desired: WireGuardConfig, running: WireGuardState
) -> None:
    change = difference(desired, running)
    final = holdings(apply_change(running, change, public_key_of))
    kept = {(key, network) for key, network in holdings(running) if (key, network) in final}
    state = apply_change(running, replace(change, peers=()), public_key_of)
    for peer_change in change.peers:
        state = apply_change(state, DeviceChange(peers=(peer_change,)), public_key_of)
        assert kept <= holdings(state)


@given(wireguard_configs(), wireguard_states())
def test_an_allowed_ip_that_somebody_has_before_and_after_always_has_an_owner(
    desired: WireGuardConfig, running: WireGuardState
) -> None:
    change = difference(desired, running)
    state = apply_change(running, replace(change, peers=()), public_key_of)
    final = apply_change(running, change, public_key_of)
    kept = owned(state) & owned(final)
    for peer_change in change.peers:
        state = apply_change(state, DeviceChange(peers=(peer_change,)), public_key_of)
        assert kept <= owned(state)


def holdings(state: WireGuardState) -> set[tuple[PublicKey, IPNetwork]]:
    return {(peer.public_key, network) for peer in state.peers for network in peer.allowed_ips}


def owned(state: WireGuardState) -> set[IPNetwork]:
    return {network for _, network in holdings(state)}


# -- many ----------------------------------------------------------------------------------------


class CountingKey(PublicKey):
    """A public key that counts how often it is looked at."""

    __slots__ = ()
    looks = 0

    def __eq__(self, other: object) -> bool:
        CountingKey.looks += 1
        return super().__eq__(other)

    def __hash__(self) -> int:
        CountingKey.looks += 1
        return super().__hash__()


def looks_at_keys(peers: int) -> int:
    """Return how often keys are compared or hashed to find that every second of them differs."""
    keys = [CountingKey(number.to_bytes(32, "big")) for number in range(1, peers + 1)]
    again = [CountingKey(key.to_bytes()) for key in keys]
    desired = WireGuardConfig(
        peers=tuple(
            PeerConfig(public_key=key, allowed_ips=(IPv4Network(number),))
            for number, key in enumerate(keys)
        )
    )
    elsewhere = (IPv4Network, IPv6Network)
    running = WireGuardState(
        peers=tuple(
            PeerState(public_key=key, allowed_ips=(elsewhere[number % 2](number),))
            for number, key in enumerate(again)
        )
    )
    CountingKey.looks = 0
    assert len(difference(desired, running).peers) == peers // 2
    return CountingKey.looks


def test_each_of_many_peers_is_looked_at_a_fixed_number_of_times() -> None:
    assert looks_at_keys(20_000) == 20 * looks_at_keys(1_000)
