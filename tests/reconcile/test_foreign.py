"""What somebody else has put on an interface can stay there, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface, ip_network

from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.action import AddAddress, ConfigureDevice, Plan, RemoveAddress
from netstart_wg.model.config import InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.foreign import with_foreign
from netstart_wg.reconcile.plan import plan_interface
from netstart_wg.reconcile.record import record_of
from netstart_wg.reconcile.simulate import simulate
from tests.strategies import (
    ENDPOINTS,
    PRESHARED_KEYS,
    PUBLIC_KEYS,
    applied_records,
    interface_configs,
    interface_states,
)

OURS, THEIRS = PUBLIC_KEYS[2:4]
OUR_ADDRESS = ip_interface("10.0.0.1/24")
THEIR_ADDRESS = ip_interface("10.9.0.1/24")

DESIRED = InterfaceConfig(
    name="wg0",
    wireguard=WireGuardConfig(
        peers=(PeerConfig(public_key=OURS, allowed_ips=(ip_network("10.0.0.2/32"),)),)
    ),
    addresses=(OUR_ADDRESS,),
    mtu=1420,
    is_up=True,
)
EMPTY = replace(DESIRED, wireguard=WireGuardConfig(), addresses=())
THEIR_PEER = PeerState(
    public_key=THEIRS,
    preshared_key=PRESHARED_KEYS[0],
    endpoint=ENDPOINTS[0],
    persistent_keepalive=25,
    allowed_ips=(ip_network("10.0.0.2/32"), ip_network("10.7.0.0/16")),
    description="theirs",
)
RUNNING = InterfaceState(
    name="wg0",
    index=7,
    flags=0x1091,
    mtu=1420,
    addresses=(THEIR_ADDRESS, OUR_ADDRESS),
    wireguard=WireGuardState(listen_port=51820, peers=(THEIR_PEER, PeerState(public_key=OURS))),
)
APPLIED = record_of(DESIRED, 7, None, {})


def plan(
    desired: InterfaceConfig, running: InterfaceState, applied: AppliedRecord | None = None
) -> Plan:
    wish = with_foreign(desired, running, applied)
    return plan_interface(wish, running, applied, {}, public_key_of)


def removed(steps: Plan) -> tuple[set[PublicKey], set[object]]:
    """Return the peers and addresses that a plan takes away."""
    changes = [each.change for each in steps.actions if isinstance(each, ConfigureDevice)]
    return (
        {peer.public_key for change in changes for peer in change.peers if peer.remove},
        {each.address for each in steps.actions if isinstance(each, RemoveAddress)},
    )


def test_what_nobody_here_has_put_there_stays() -> None:
    assert removed(plan(DESIRED, RUNNING, APPLIED)) == (set(), set())
    assert removed(plan(DESIRED, RUNNING)) == (set(), set()), "the record may be lost"


def test_what_has_left_the_file_goes() -> None:
    assert removed(plan(EMPTY, RUNNING, APPLIED)) == ({OURS}, {OUR_ADDRESS})


def test_the_record_of_another_interface_says_nothing() -> None:
    other = replace(APPLIED, index=8)
    assert removed(plan(EMPTY, RUNNING, other)) == (set(), set())


def test_an_allowed_ip_is_the_files_to_give() -> None:
    after = simulate(plan(DESIRED, RUNNING, APPLIED), RUNNING, public_key_of)
    assert after is not None
    assert after.wireguard is not None
    theirs, ours = after.wireguard.peers
    assert theirs == replace(THEIR_PEER, allowed_ips=THEIR_PEER.allowed_ips[1:])
    assert ours.allowed_ips == THEIR_PEER.allowed_ips[:1]
    assert plan(DESIRED, after, APPLIED).is_empty


def test_foreign_addresses_move_with_the_interface() -> None:
    steps = plan(replace(DESIRED, rdomain=1), RUNNING, APPLIED)
    added = {each.address for each in steps.actions if isinstance(each, AddAddress)}
    assert added == {OUR_ADDRESS, THEIR_ADDRESS}


def test_of_two_lengths_of_an_ipv6_address_the_files_is_taken() -> None:
    running = replace(RUNNING, addresses=(ip_interface("fd77::1/128"),))
    steps = plan(replace(DESIRED, addresses=(ip_interface("fd77::1/64"),)), running)
    assert removed(steps)[1] == {ip_interface("fd77::1/128")}


def test_an_mtu_without_ipv6_takes_foreign_addresses_along() -> None:
    running = replace(RUNNING, addresses=(ip_interface("fd77::1/64"),))
    steps = plan(replace(DESIRED, mtu=1000), running)
    assert removed(steps)[1] == {ip_interface("fd77::1/64")}


def test_nothing_keeps_an_interface_that_is_destroyed() -> None:
    gone = replace(DESIRED, exists=False)
    assert with_foreign(gone, RUNNING, APPLIED) == gone


@given(interface_configs(), interface_states(), st.none() | applied_records())
def test_once_carried_out_there_is_nothing_left_and_nothing_foreign_is_gone(
    desired: InterfaceConfig, running: InterfaceState, applied: AppliedRecord | None
) -> None:
    steps = plan(desired, running, applied)
    after = simulate(steps, running, public_key_of)
    if after is None:
        assert not desired.exists
        return
    assert plan(desired, after, record_of(desired, after.index, applied, {})).is_empty
    wish = with_foreign(desired, running, applied)
    assert set(after.addresses) == set(wish.addresses) - set(after.kernel_addresses)
    foreign = {peer.public_key for peer in wish.wireguard.peers}
    own = desired.wireguard.private_key
    expected = foreign - {public_key_of(own)} if own is not None else foreign
    there = after.wireguard.peers if after.wireguard else ()  # an engine that needs no word
    assert {peer.public_key for peer in there} == expected
