"""Plans in differences: what, what it costs, whose doing it is, and where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

from hypothesis import given, settings

from netstart_wg.model.action import ConfigureDevice, CreateInterface
from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.difference import Difference, Effect, Reason
from netstart_wg.model.keys import Key, PresharedKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.model.source import Span, Subject
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.explain import Sides, explain, foreign_differences
from netstart_wg.reconcile.plan import plan_interface
from netstart_wg.reconcile.record import record_of
from tests.strategies import (
    PRIVATE_KEYS,
    PUBLIC_KEYS,
    applied_records,
    interface_configs,
    interface_states,
    resolutions,
)

_, _, LAPTOP_KEY, OFFICE_KEY, PHONE_KEY, _ = PUBLIC_KEYS
LAPTOP, OFFICE, PHONE = (key.to_base64() for key in (LAPTOP_KEY, OFFICE_KEY, PHONE_KEY))

DESIRED = InterfaceConfig(
    name="wg0",
    wireguard=WireGuardConfig(
        private_key=PRIVATE_KEYS[0],
        listen_port=51820,
        peers=(
            PeerConfig(
                public_key=LAPTOP_KEY,
                description="laptop",
                allowed_ips=(ip_network("10.0.0.2/32"),),
            ),
            PeerConfig(
                public_key=OFFICE_KEY,
                endpoint=Endpoint(ip_address("192.0.2.1"), 51820),
                persistent_keepalive=25,
                allowed_ips=(ip_network("10.1.0.0/16"),),
            ),
        ),
    ),
    addresses=(ip_interface("10.0.0.1/24"),),
    mtu=1420,
    is_up=True,
    routes=(
        Route(
            key=RouteKey(0, ip_network("10.1.0.0/16")),
            next_hops=(NextHop(None, "wg0"),),
        ),
    ),
)
RUNNING = InterfaceState(
    name="wg0",
    index=7,
    flags=0x1091,
    mtu=1420,
    addresses=DESIRED.addresses,
    routes=DESIRED.routes,
    wireguard=WireGuardState(
        private_key=PRIVATE_KEYS[0],
        listen_port=51820,
        peers=(
            PeerState(
                public_key=LAPTOP_KEY,
                description="laptop",
                last_handshake_ns=1,
                allowed_ips=(ip_network("10.0.0.2/32"),),
            ),
            PeerState(
                public_key=OFFICE_KEY,
                endpoint=Endpoint(ip_address("192.0.2.1"), 51820),
                last_handshake_ns=1,
                persistent_keepalive=25,
                allowed_ips=(ip_network("10.1.0.0/16"),),
            ),
        ),
    ),
)
APPLIED = record_of(DESIRED, 7, None, {})


def explained(
    desired: InterfaceConfig = DESIRED,
    running: InterfaceState | None = RUNNING,
    applied: AppliedRecord | None = APPLIED,
    resolved: Mapping[EndpointName, Endpoint] | None = None,
    places: Mapping[Subject, Span] | None = None,
) -> tuple[Difference, ...]:
    plan = plan_interface(desired, running, applied, resolved or {}, public_key_of)
    sides = Sides(
        desired=desired,
        running=running,
        applied=applied,
        file="hostname.wg0",
        places=places or {},
    )
    return explain(plan, sides, public_key_of)


def only(differences: tuple[Difference, ...]) -> Difference:
    (difference,) = differences
    return difference


def with_peers(*peers: PeerConfig) -> InterfaceConfig:
    return replace(DESIRED, wireguard=replace(DESIRED.wireguard, peers=peers))


def engine_with(*peers: PeerState) -> InterfaceState:
    assert RUNNING.wireguard is not None
    return replace(RUNNING, wireguard=replace(RUNNING.wireguard, peers=peers))


LAPTOP_PEER, OFFICE_PEER = DESIRED.wireguard.peers
assert RUNNING.wireguard is not None
LAPTOP_STATE, OFFICE_STATE = RUNNING.wireguard.peers


# ---- what ----


def test_equal_states_differ_in_nothing() -> None:
    assert explained() == ()


def test_a_number_has_both_its_values() -> None:
    difference = only(explained(replace(DESIRED, mtu=1380)))
    assert (difference.what, difference.before, difference.after) == ("mtu", "mtu 1420", "mtu 1380")
    assert difference.effect is Effect.IN_PLACE


def test_each_word_of_a_peer_is_a_difference_of_its_own() -> None:
    office = replace(OFFICE_PEER, persistent_keepalive=0, description="office")
    found = {each.what: each for each in explained(with_peers(LAPTOP_PEER, office))}
    keepalive = found[f"wgpeer {OFFICE} wgpka"]
    assert (keepalive.before, keepalive.after) == (f"wgpeer {OFFICE} wgpka 25", None)
    name = found[f"wgpeer {OFFICE} wgdescr"]
    assert (name.before, name.after) == (None, f"wgpeer {OFFICE} wgdescr office")
    assert name.effect is Effect.NONE
    assert len(found) == 2


def test_a_prefix_that_moves_is_one_difference() -> None:
    network = ip_network("10.0.0.2/32")
    laptop = replace(LAPTOP_PEER, allowed_ips=())
    office = replace(OFFICE_PEER, allowed_ips=(*OFFICE_PEER.allowed_ips, network))
    difference = only(explained(with_peers(laptop, office)))
    assert difference.subject == ("wgaip", OFFICE, "10.0.0.2/32")
    assert difference.before == f"wgpeer {LAPTOP} wgaip 10.0.0.2/32"
    assert difference.after == f"wgpeer {OFFICE} wgaip 10.0.0.2/32"


def test_a_prefix_that_a_new_peer_takes_is_one_difference_besides_the_peer() -> None:
    phone = PeerConfig(public_key=PHONE_KEY, allowed_ips=(ip_network("10.0.0.2/32"),))
    laptop = replace(LAPTOP_PEER, allowed_ips=())
    peer, prefix = explained(with_peers(laptop, OFFICE_PEER, phone))
    assert peer.after == f"wgpeer {PHONE}"
    assert prefix.before == f"wgpeer {LAPTOP} wgaip 10.0.0.2/32"


def test_the_prefix_of_a_peer_that_goes_comes_with_the_new_one() -> None:
    phone = PeerConfig(public_key=PHONE_KEY, allowed_ips=(ip_network("10.0.0.2/32"),))
    gone, come = explained(with_peers(OFFICE_PEER, phone))
    assert gone.before == f"wgpeer {LAPTOP} wgdescr laptop"
    assert come.after == f"wgpeer {PHONE} wgaip 10.0.0.2/32"


def test_a_route_that_leads_elsewhere_is_one_difference() -> None:
    (route,) = DESIRED.routes
    other = replace(route, next_hops=(NextHop(ip_address("10.0.0.9"), "wg0"),))
    difference = only(explained(replace(DESIRED, routes=(other,))))
    assert difference.before == "!route add 10.1.0.0/16 -link wg0"
    assert difference.after == "!route add 10.1.0.0/16 10.0.0.9"


# ---- what it costs ----


def test_another_key_ends_every_session() -> None:
    engine = replace(DESIRED.wireguard, private_key=PRIVATE_KEYS[1])
    difference = only(explained(replace(DESIRED, wireguard=engine)))
    assert difference.what == "wgkey"
    assert difference.lost == ("laptop", OFFICE)
    assert difference.effect is Effect.REKEY


def test_a_peer_that_goes_takes_its_own_session_along() -> None:
    difference = only(explained(with_peers(LAPTOP_PEER)))
    assert difference.lost == (OFFICE,)


def test_a_peer_that_was_never_heard_of_has_no_session_to_lose() -> None:
    running = engine_with(LAPTOP_STATE, replace(OFFICE_STATE, last_handshake_ns=0))
    assert only(explained(with_peers(LAPTOP_PEER), running)).lost == ()


def test_going_down_ends_every_session() -> None:
    found = {each.what: each for each in explained(replace(DESIRED, is_up=False, routes=()))}
    assert found["up"].lost == ("laptop", OFFICE)


def test_another_preshared_key_makes_one_peer_rekey() -> None:
    office = replace(OFFICE_PEER, preshared_key=PresharedKey(bytes([21]) * 32))
    difference = only(explained(with_peers(LAPTOP_PEER, office)))
    assert difference.effect is Effect.REKEY
    assert difference.after == f"wgpeer {OFFICE} wgpsk (hidden)"
    assert difference.lost == ()


def test_whatever_a_new_interface_gets_is_part_of_making_it() -> None:
    differences = explained(running=None, applied=None)
    assert {each.effect for each in differences} == {Effect.REBUILD}
    assert all(each.before is None for each in differences)
    assert differences[0].what == "create"


# ---- whose doing it is ----


def reasons(differences: tuple[Difference, ...]) -> set[Reason]:
    return {each.reason for each in differences}


def test_what_the_file_says_anew_is_pending() -> None:
    office = replace(OFFICE_PEER, persistent_keepalive=10)
    desired = replace(with_peers(LAPTOP_PEER, office), mtu=1300, description="home")
    assert reasons(explained(desired)) == {Reason.PENDING}


def test_what_has_left_the_file_is_pending() -> None:
    assert reasons(explained(replace(with_peers(LAPTOP_PEER), routes=()))) == {Reason.PENDING}


def test_what_somebody_has_changed_is_drift() -> None:
    running = replace(
        engine_with(LAPTOP_STATE), mtu=1300, addresses=(ip_interface("10.9.0.1/24"),), routes=()
    )
    differences = explained(running=running)
    assert {each.what for each in differences} == {
        "mtu",
        f"wgpeer {OFFICE}",
        "inet 10.0.0.1/24",
        "inet 10.9.0.1/24",
        "route 0 10.1.0.0/16 8",
    }
    assert reasons(differences) == {Reason.DRIFT}


def test_a_peer_that_nobody_declared_is_drift() -> None:
    running = engine_with(LAPTOP_STATE, OFFICE_STATE, PeerState(public_key=PHONE_KEY))
    assert only(explained(running=running)).reason is Reason.DRIFT


def test_an_interface_that_somebody_has_ended_is_drift_with_all_that_was_applied() -> None:
    assert reasons(explained(running=None)) == {Reason.DRIFT}


def test_an_interface_that_was_never_made_is_pending() -> None:
    assert reasons(explained(running=None, applied=None)) == {Reason.PENDING}


def test_a_command_that_has_run_is_pending_no_more() -> None:
    desired = replace(DESIRED, commands=(Command("true"),))
    assert only(explained(desired)).reason is Reason.PENDING
    again = explained(desired, None, record_of(desired, 7, None, {}))
    assert {each.what: each.reason for each in again}["!true"] is Reason.DRIFT


def test_an_endpoint_whose_name_changed_in_the_file_is_pending() -> None:
    there = Endpoint(ip_address("192.0.2.9"), 1)
    office = replace(OFFICE_PEER, endpoint=there)
    assert only(explained(with_peers(LAPTOP_PEER, office))).reason is Reason.PENDING


def test_what_stays_though_nobody_declared_it_is_foreign() -> None:
    phone = PeerState(public_key=PHONE_KEY, description="phone")
    running = replace(
        engine_with(LAPTOP_STATE, OFFICE_STATE, phone),
        addresses=(*RUNNING.addresses, ip_interface("10.9.0.1/24")),
    )
    plan = plan_interface(DESIRED, RUNNING, APPLIED, {}, public_key_of)
    sides = Sides(desired=DESIRED, running=running, applied=APPLIED)
    peer, address = foreign_differences(plan, sides)
    assert peer.before == peer.after == f"wgpeer {PHONE} wgdescr phone"
    assert address.what == "inet 10.9.0.1/24"
    assert peer.reason is address.reason is Reason.FOREIGN
    assert peer.effect is Effect.NONE


# ---- where ----


def test_a_difference_has_the_place_that_asks_for_it() -> None:
    places: Mapping[Subject, Span] = {("mtu",): Span(3, 1, 8)}
    difference = only(explained(replace(DESIRED, mtu=1380), places=places))
    assert difference.place == ("hostname.wg0", Span(3, 1, 8))


def test_a_word_that_has_left_a_peer_has_the_place_of_the_peer() -> None:
    office = replace(OFFICE_PEER, persistent_keepalive=0)
    places: Mapping[Subject, Span] = {("wgpeer", OFFICE): Span(2, 1, 50)}
    difference = only(explained(with_peers(LAPTOP_PEER, office), places=places))
    assert difference.place == ("hostname.wg0", Span(2, 1, 50))


def test_what_is_not_in_the_file_has_no_place() -> None:
    assert only(explained(with_peers(LAPTOP_PEER))).place is None


# ---- of any two states ----


@given(interface_configs(), interface_states(), applied_records(), resolutions)
@settings(max_examples=50)
def test_every_step_of_a_plan_is_in_a_difference_and_an_equal_peer_in_none(
    desired: InterfaceConfig,
    running: InterfaceState,
    applied: AppliedRecord,
    resolved: Mapping[EndpointName, Endpoint],
) -> None:
    plan = plan_interface(desired, running, applied, resolved, public_key_of)
    differences = explained(desired, running, applied, resolved)
    subjects = [each.subject for each in differences]
    assert len(subjects) == len(set(subjects))
    for action in plan.actions:
        single = replace(plan, actions=(action,))
        sides = Sides(desired=desired, running=running, applied=applied)
        told = {each.subject for each in explain(single, sides, public_key_of)}
        assert told
        assert told <= set(subjects)
    touched = {
        change.public_key.to_base64()
        for action in plan.actions
        if isinstance(action, ConfigureDevice)
        for change in action.change.peers
    }
    own = public_key_of(desired.wireguard.private_key) if desired.wireguard.private_key else None
    for subject in subjects:
        if subject[0].startswith("wg") and len(subject) > 1:
            assert subject[1] in touched or (own is not None and subject[1] == own.to_base64())


@given(interface_configs(), interface_states(), applied_records())
@settings(max_examples=50)
def test_no_difference_has_a_secret(
    desired: InterfaceConfig, running: InterfaceState, applied: AppliedRecord
) -> None:
    text = repr(explained(desired, running, applied))
    engine = running.wireguard or WireGuardState()
    keys: list[Key | None] = [desired.wireguard.private_key, engine.private_key]
    keys += [peer.preshared_key for peer in desired.wireguard.peers]
    keys += [peer.preshared_key for peer in engine.peers]
    for key in keys:
        assert key is None or (key.to_base64() not in text and key.to_hex() not in text)


@given(interface_configs(), applied_records())
@settings(max_examples=50)
def test_an_interface_that_is_not_there_is_made(
    desired: InterfaceConfig, applied: AppliedRecord
) -> None:
    plan = plan_interface(desired, None, applied, {}, public_key_of)
    differences = explained(desired, None, applied)
    assert any(isinstance(action, CreateInterface) for action in plan.actions) == bool(differences)
    assert all(each.before is None for each in differences)
