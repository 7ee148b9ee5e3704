"""The way back: it leads there, from wherever, and past no peer that has nothing to do with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.action import (
    Action,
    AddAddress,
    AddRoute,
    BringDown,
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
    Plan,
    RemoveAddress,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.address import Endpoint, EndpointName, IPInterface
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.apply import apply_change
from netstart_wg.reconcile.plan import plan_interface
from netstart_wg.reconcile.restore import (
    NAMED_AT_MOST,
    losses,
    plan_restore,
    routes_of,
    with_roamed_peers,
)
from netstart_wg.reconcile.routes import leaves_through
from netstart_wg.reconcile.simulate import simulate
from tests.strategies import (
    ENDPOINTS,
    PRIVATE_KEYS,
    PUBLIC_KEYS,
    applied_records,
    interface_configs,
    interface_states,
    resolutions,
)

LAPTOP, OFFICE = PUBLIC_KEYS[2:4]
HERE, THERE = ENDPOINTS[:2]


@st.composite
def states(draw: st.DrawFn) -> InterfaceState:
    """Draw an interface to which somebody may have given broadcast addresses.

    There is no other of its name: it could not be moved to where that one is.
    """
    state = draw(interface_states())
    routes = tuple(
        route
        for route in state.routes
        if route.key.rdomain == state.rdomain
        or not leaves_through(route, state.name, route.key.rdomain)
    )
    broadcasts = [
        (address, address.network.broadcast_address)
        for address in state.addresses
        if isinstance(address, IPv4Interface) and draw(st.booleans())
    ]
    return replace(state, broadcasts=tuple(broadcasts), routes=routes)


def essence(state: InterfaceState) -> dict[str, object]:
    """Return what is to be restored, so that it can be compared; written without the diff."""
    engine = state.wireguard or WireGuardState()
    return {
        "rdomain": state.rdomain,
        "mtu": state.mtu,
        "up": state.is_up,
        "debug": state.is_debug,
        "description": state.description,
        "addresses": frozenset(state.addresses),
        "order": order(state.addresses),
        "broadcasts": frozenset(state.broadcasts),
        "routes": {
            (route.key, route.kind, frozenset(route.next_hops), route.mtu) for route in state.routes
        },
        "key": engine.private_key,
        "port": engine.listen_port,
        "mark": engine.fwmark,
        "wgrtable": engine.wgrtable,
        "groups": frozenset(engine.groups),
        "peers": {peer.public_key: peer_essence(peer) for peer in engine.peers},
    }


def order(addresses: tuple[IPInterface, ...]) -> object:
    """Return what Linux makes of the order: of the networks, and within each of them."""
    ipv4 = [address for address in addresses if address.version == 4]
    networks = list(dict.fromkeys(address.network for address in ipv4))
    return [[each for each in ipv4 if each.network == network] for network in networks]


def peer_essence(peer: PeerState) -> tuple[object, ...]:
    return (
        peer.preshared_key,
        peer.endpoint,
        peer.persistent_keepalive,
        frozenset(peer.allowed_ips),
        peer.description,
    )


def restored(
    before: InterfaceState, now: InterfaceState | None, *routes: RouteKey
) -> InterfaceState:
    after = simulate(plan_restore(before, now, routes, public_key_of), now, public_key_of)
    assert after is not None
    return after


def possible(before: InterfaceState, after: InterfaceState) -> dict[str, object]:
    """Return the essence of `before`, but for sockets in a place that nobody can name."""
    engine = before.wireguard
    if engine is None or engine.wgrtable is not None:
        return essence(before)
    there = after.wireguard.wgrtable if after.wireguard else 0
    return essence(replace(before, wireguard=replace(engine, wgrtable=there)))


def keys(*interfaces: InterfaceState | None) -> tuple[RouteKey, ...]:
    return tuple(route.key for each in interfaces if each for route in each.routes)


@given(states(), st.none() | states())
def test_from_wherever_the_way_leads_back(
    before: InterfaceState, now: InterfaceState | None
) -> None:
    routes = keys(before, now)
    after = restored(before, now, *routes)
    assert essence(after) == possible(before, after)
    assert plan_restore(before, after, routes, public_key_of).is_empty


@given(
    interface_configs(),
    states(),
    st.none() | applied_records(),
    resolutions,
)
def test_a_plan_and_its_inverse_make_no_difference(
    desired: InterfaceConfig,
    running: InterfaceState,
    applied: AppliedRecord | None,
    resolved: dict[EndpointName, Endpoint],
) -> None:
    plan = plan_interface(desired, running, applied, resolved, public_key_of)
    now = simulate(plan, running, public_key_of)
    assert with_roamed_peers(running, now, plan.actions) == running
    routes = routes_of(plan.actions).union(applied.routes if applied else ())
    after = restored(running, now, *routes)
    if now is None:
        # what other interfaces have in common with us is not in what was made anew
        after = replace(after, routes=())
        running = replace(running, routes=())
    assert essence(after) == possible(running, after)


@given(states(), states())
def test_a_peer_that_is_as_it_was_is_in_no_step_and_always_there(
    before: InterfaceState, now: InterfaceState
) -> None:
    same = unchanged(before, now)
    plan = plan_restore(before, now, keys(before, now), public_key_of)
    engine = now.wireguard or WireGuardState()
    there = {peer.public_key: peer_essence(peer) for peer in engine.peers}
    for action in plan.actions:
        if isinstance(action, ConfigureDevice):
            assert same.isdisjoint(peer.public_key for peer in action.change.peers)
            for moment in moments(engine, action.change):
                found = {peer.public_key: peer_essence(peer) for peer in moment.peers}
                assert all(found[public_key] == there[public_key] for public_key in same)


def moments(engine: WireGuardState, change: DeviceChange) -> Iterator[WireGuardState]:
    """Yield what an engine is that takes a change peer by peer."""
    for count in range(len(change.peers) + 1):
        part = replace(change, peers=change.peers[:count])
        yield apply_change(engine, part, public_key_of)


def unchanged(before: InterfaceState, now: InterfaceState) -> frozenset[PublicKey]:
    peers, there = essence(before)["peers"], essence(now)["peers"]
    assert isinstance(peers, dict)
    assert isinstance(there, dict)
    return frozenset(
        public_key for public_key, peer in peers.items() if there.get(public_key) == peer
    )


# -- what a file cannot say ----------------------------------------------------------------------

FIRST, SECOND, THIRD = map(ip_interface, ("10.0.0.1/24", "10.0.0.2/24", "192.0.2.1/24"))
BEFORE = InterfaceState(
    name="wg0",
    index=7,
    flags=0x1091,
    mtu=1420,
    addresses=(FIRST, THIRD, SECOND),
    wireguard=WireGuardState(
        private_key=PRIVATE_KEYS[0],
        listen_port=51820,
        fwmark=9,
        peers=(
            PeerState(public_key=LAPTOP, allowed_ips=(ip_network("10.0.0.2/32"),)),
            PeerState(public_key=OFFICE, endpoint=HERE, tx_bytes=1),
        ),
    ),
)
ENGINE = BEFORE.wireguard
assert ENGINE is not None


def steps(before: InterfaceState, now: InterfaceState | None) -> tuple[Action, ...]:
    return plan_restore(before, now, (), public_key_of).actions


def with_peers(state: InterfaceState, *peers: PeerState) -> InterfaceState:
    assert state.wireguard is not None
    return replace(state, wireguard=replace(state.wireguard, peers=peers))


def test_a_first_address_comes_back_as_the_first_of_its_network_only() -> None:
    now = replace(BEFORE, addresses=(THIRD, SECOND))
    assert steps(BEFORE, now) == (
        AddAddress("wg0", FIRST),
        RemoveAddress("wg0", THIRD),
        AddAddress("wg0", THIRD),
        RemoveAddress("wg0", SECOND),
        AddAddress("wg0", SECOND),
    )


def test_a_first_address_of_a_later_network_displaces_nothing() -> None:
    now = replace(BEFORE, addresses=(FIRST, SECOND))
    assert steps(BEFORE, now) == (AddAddress("wg0", THIRD),)


def test_an_address_gets_its_broadcast_address_back() -> None:
    assert isinstance(FIRST, IPv4Interface)
    before = replace(BEFORE, addresses=(FIRST,), broadcasts=((FIRST, IPv4Address("10.0.0.255")),))
    assert steps(before, replace(before, addresses=(), broadcasts=())) == (
        AddAddress("wg0", FIRST, IPv4Address("10.0.0.255")),
    )
    assert list(steps(before, replace(before, addresses=()))[0].describe()) == [
        "+ inet 10.0.0.1/24 broadcast 10.0.0.255"
    ]


def test_a_mark_and_a_port_that_was_not_chosen_are_told_to_the_engine() -> None:
    assert ENGINE is not None
    before = replace(BEFORE, wireguard=replace(ENGINE, listen_port=0))
    now = replace(BEFORE, wireguard=replace(ENGINE, fwmark=0))
    assert steps(before, now) == (ConfigureDevice("wg0", DeviceChange(listen_port=0, fwmark=9)),)


def test_a_peer_that_had_no_endpoint_is_made_anew() -> None:
    assert ENGINE is not None
    laptop, office = ENGINE.peers
    now = with_peers(BEFORE, replace(laptop, endpoint=THERE), office)
    assert steps(BEFORE, now) == (
        ConfigureDevice(
            "wg0",
            DeviceChange(
                peers=(
                    PeerChange(public_key=LAPTOP, remove=True),
                    PeerChange(
                        public_key=LAPTOP,
                        replace_allowed_ips=True,
                        add_allowed_ips=laptop.allowed_ips,
                    ),
                )
            ),
        ),
    )


def test_an_endpoint_that_no_step_gave_is_where_the_peer_is() -> None:
    assert ENGINE is not None
    laptop, office = ENGINE.peers
    now = with_peers(BEFORE, replace(laptop, endpoint=THERE), replace(office, endpoint=THERE))
    gave = ConfigureDevice(
        "wg0", DeviceChange(peers=(PeerChange(public_key=OFFICE, endpoint=THERE),))
    )
    goal = with_roamed_peers(BEFORE, now, [gave])
    assert goal == with_peers(BEFORE, replace(laptop, endpoint=THERE), office)


def test_a_route_of_ours_that_leads_elsewhere_and_is_in_no_step_is_left_alone() -> None:
    route = Route(
        key=RouteKey(0, ip_network("198.51.100.0/24")),
        next_hops=(NextHop(ip_address("192.0.2.9"), "eth0"),),
    )
    now = replace(BEFORE, routes=(route,))
    assert steps(BEFORE, now) == ()
    assert steps(now, BEFORE) == ()
    assert plan_restore(now, BEFORE, [route.key], public_key_of).actions == (
        AddRoute("wg0", route),
    )


def test_an_interface_that_has_gone_is_made_anew() -> None:
    plan = plan_restore(BEFORE, None, (), public_key_of)
    assert plan.actions[0] == CreateInterface("wg0")
    after = simulate(plan, None, public_key_of)
    assert after is not None
    assert essence(after) == essence(BEFORE)


def test_counters_and_handshakes_are_no_difference() -> None:
    assert ENGINE is not None
    laptop, office = ENGINE.peers
    now = with_peers(BEFORE, laptop, replace(office, tx_bytes=5, last_handshake_ns=6))
    assert plan_restore(BEFORE, now, (), public_key_of) == Plan("wg0")


# -- what no plan brings back --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "loss"),
    [
        (DestroyInterface("wg0"), "every session and counter"),
        (ConfigureDevice("wg0", DeviceChange(private_key=None)), "the sessions of all peers"),
        (
            ConfigureDevice(
                "wg0", DeviceChange(peers=(PeerChange(public_key=OFFICE, remove=True),))
            ),
            f"session and counters of peer {OFFICE.to_base64()}",
        ),
        (ConfigureDevice("wg0", DeviceChange(listen_port=1)), "where peers look for us"),
        (BringDown("wg0"), "the sessions of all peers, since the interface was down"),
        (SetRdomain("wg0", 0, 3), "routes of other programs"),
        (SetMtu("wg0", 1420, 1000), "routes of other programs"),
    ],
)
def test_what_no_plan_brings_back_is_said(step: Action, loss: str) -> None:
    assert next(losses(BEFORE, [step])).startswith(loss)


def test_a_last_ipv4_address_takes_routes_of_others_along() -> None:
    gone = [RemoveAddress("wg0", address) for address in BEFORE.addresses]
    assert list(losses(BEFORE, gone[:2])) == []
    assert list(losses(BEFORE, gone)) == ["routes of other programs through the interface"]


def test_a_link_local_address_of_the_kernels_may_be_another_afterwards() -> None:
    before = replace(BEFORE, kernel_addresses=(ip_interface("fe80::abcd/64"),))
    loss = "the link-local address that the kernel had made: it may make another"
    assert loss in losses(before, [SetRdomain("wg0", 0, 3)])
    assert loss not in losses(before, [SetMtu("wg0", 1420, 1280)])
    assert loss not in losses(BEFORE, [SetRdomain("wg0", 0, 3)])


def test_of_very_many_peers_only_some_are_named() -> None:
    peers = tuple(
        PeerState(public_key=type(LAPTOP)(bytes([number]) * 32)) for number in range(40, 90)
    )
    change = DeviceChange(
        peers=tuple(PeerChange(public_key=peer.public_key, remove=True) for peer in peers)
    )
    lines = list(losses(with_peers(BEFORE, *peers), [ConfigureDevice("wg0", change)]))
    assert len(lines) == NAMED_AT_MOST + 1
    assert lines[-1] == "session and counters of 40 more peers"


def test_what_can_be_restored_is_no_loss() -> None:
    assert list(losses(BEFORE, [SetMtu("wg0", 1420, 1300), AddAddress("wg0", FIRST)])) == []
