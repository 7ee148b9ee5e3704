"""The way back: from what is there now to what was there before.

Not the steps of a run undone one by one, but a plan like any other, from one
observation to another.  So it does not matter which step failed, nor how far that
one had come.  What a file cannot say, and a state can, is restored too: a mark, a
port that was not chosen yet, a peer without an endpoint, broadcast addresses, and
the order of IPv4 addresses, of which the first is the source of what has no other.

- A peer that is as it was is in no step.
- An endpoint that no step gave is one that the peer was heard from: it stays.
- No engine can be told to forget an endpoint, so a peer that had none is made
  anew.  It loses no session: with one it would have had an endpoint.
- The order of IPv6 addresses is not restored: which of them is a source does not
  depend on it (RFC 6724 §5).  Neither is that of peers, allowed IPs and groups.
- Sockets that were in an rdomain which somebody has deleted stay where they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TypeVar

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
    RemoveRoute,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.address import Endpoint, IPInterface, IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange
from netstart_wg.model.config import IPV6_MINIMUM_MTU, InterfaceConfig
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.route import RouteKey
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.reconcile.addresses import plan_addresses
from netstart_wg.reconcile.adopt import config_of
from netstart_wg.reconcile.apply import DerivePublicKey
from netstart_wg.reconcile.diff import diff_device
from netstart_wg.reconcile.plan import Planner, groups_difference, needs_rebuild

NAMED_AT_MOST = 10
"""So many peers are told of by name."""

_Item = TypeVar("_Item")


def plan_restore(
    before: InterfaceState,
    now: InterfaceState | None,
    routes: Collection[RouteKey],
    derive_public_key: DerivePublicKey,
) -> Plan:
    """Return the steps after which everything is as it was; none if it is.

    `routes` are those that lead elsewhere than through the interface and may have
    been changed (`routes_of`).  Without the interface it is made anew.
    """
    on_record = AppliedRecord(interface=before.name, index=before.index, routes=tuple(routes))
    desired = config_of(before, on_record)
    planner = Planner(
        routes=on_record.routes,
        derive_public_key=derive_public_key,
        device_change=lambda wanted, engine: _device_change(
            before.wireguard or WireGuardState(), wanted, engine, derive_public_key
        ),
        address_steps=lambda wanted, present: _address_steps(before, wanted, present),
    )
    if now is None:
        return Plan(before.name, tuple(planner.create(desired)))
    steps = planner.rebuild if needs_rebuild(desired, now) else planner.steps
    return Plan(before.name, tuple(steps(desired, now)), now.rdomain)


def with_roamed_peers(
    before: InterfaceState, now: InterfaceState | None, steps: Iterable[Action]
) -> InterfaceState:
    """Return what is to be restored: as before, but peers that moved by themselves meanwhile.

    `steps` are those that were begun; what none of them gave is a peer's own doing.
    """
    if before.wireguard is None or now is None or now.wireguard is None:
        return before
    given = set(_given_endpoints(steps))
    heard = {peer.public_key: peer.endpoint for peer in now.wireguard.peers}

    def place(peer: PeerState) -> PeerState:
        endpoint = heard.get(peer.public_key)
        has_roamed = endpoint is not None and (peer.public_key, endpoint) not in given
        return replace(peer, endpoint=endpoint) if has_roamed else peer

    peers = tuple(place(peer) for peer in before.wireguard.peers)
    return replace(before, wireguard=replace(before.wireguard, peers=peers))


def routes_of(steps: Iterable[Action]) -> frozenset[RouteKey]:
    """Return the routes that steps may have changed."""
    return frozenset(step.route.key for step in steps if isinstance(step, AddRoute | RemoveRoute))


def losses(before: InterfaceState, steps: Collection[Action]) -> Iterator[str]:
    """Yield what no plan brings back once these steps were carried out, in words."""
    if any(isinstance(step, DestroyInterface | CreateInterface) for step in steps):
        yield "every session and counter: the interface had to be made anew"
        return
    changes = [step.change for step in steps if isinstance(step, ConfigureDevice)]
    if any(change.private_key is not UNCHANGED for change in changes):
        yield "the sessions of all peers, since the key was another"
    if before.is_up and any(change.listen_port is not UNCHANGED for change in changes):
        yield "where peers look for us: some may have followed to the other port"
    engine = before.wireguard or WireGuardState()
    had = {peer.public_key for peer in engine.peers}
    removed = dict.fromkeys(
        peer.public_key.to_base64()
        for change in changes
        for peer in change.peers
        if peer.remove and peer.public_key in had
    )
    yield from _removed_peers(list(removed))
    if before.is_up and any(isinstance(step, BringDown) for step in steps):
        yield "the sessions of all peers, since the interface was down"
    if before.is_up and _took_routes_along(before, steps):
        yield "routes of other programs through the interface"
    if before.kernel_addresses and any(_takes_ipv6_along(step) for step in steps):
        yield "the link-local address that the kernel had made: it may make another"
    if engine.wgrtable is None and any(change.wgrtable is not UNCHANGED for change in changes):
        yield "sockets in an rdomain that is deleted"


def _removed_peers(keys: list[str]) -> Iterator[str]:
    for key in keys[:NAMED_AT_MOST]:
        yield f"session and counters of peer {key}"
    if len(keys) > NAMED_AT_MOST:
        yield f"session and counters of {len(keys) - NAMED_AT_MOST} more peers"


def _took_routes_along(before: InterfaceState, steps: Collection[Action]) -> bool:
    """Say whether Linux took away routes of whomever."""
    removed = {step.address for step in steps if isinstance(step, RemoveAddress)}
    added = {step.address for step in steps if isinstance(step, AddAddress)}
    has_ipv4 = [address for address in before.addresses if address.version == 4]
    is_without_ipv4 = (
        bool(has_ipv4)
        and removed.issuperset(has_ipv4)
        and not any(address.version == 4 for address in added - removed)
    )
    return is_without_ipv4 or any(_takes_ipv6_along(step) for step in steps)


def _takes_ipv6_along(step: Action) -> bool:
    """Say whether Linux takes away what it has made of IPv6, and the routes."""
    if isinstance(step, SetMtu):
        return step.after < IPV6_MINIMUM_MTU
    return isinstance(step, BringDown | SetRdomain)


def _given_endpoints(steps: Iterable[Action]) -> Iterator[tuple[PublicKey, Endpoint]]:
    for step in steps:
        if isinstance(step, ConfigureDevice):
            for peer in step.change.peers:
                if isinstance(peer.endpoint, Endpoint):
                    yield peer.public_key, peer.endpoint


def _device_change(
    before: WireGuardState,
    desired: InterfaceConfig,
    engine: WireGuardState,
    derive_public_key: DerivePublicKey,
) -> DeviceChange:
    """Return what a file would say, and what only a state can."""
    had_none = {peer.public_key for peer in before.peers if peer.endpoint is None}
    made_anew = dict.fromkeys(
        peer.public_key
        for peer in engine.peers
        if peer.public_key in had_none and peer.endpoint is not None
    )
    others = tuple(peer for peer in engine.peers if peer.public_key not in made_anew)
    visible = replace(engine, peers=others) if made_anew else engine
    change = diff_device(desired.wireguard, visible, None, {}, derive_public_key)
    removals = (PeerChange(public_key=public_key, remove=True) for public_key in made_anew)
    return replace(
        change,
        listen_port=UNCHANGED if before.listen_port == engine.listen_port else before.listen_port,
        fwmark=UNCHANGED if before.fwmark == engine.fwmark else before.fwmark,
        groups=groups_difference(before.groups, engine.groups),
        peers=(*removals, *change.peers),
    )


def _address_steps(
    before: InterfaceState, desired: InterfaceConfig, present: InterfaceState
) -> Iterator[AddAddress | RemoveAddress]:
    broadcasts: Mapping[IPInterface, IPv4Address] = dict(before.broadcasts)
    there: Mapping[IPInterface, IPv4Address] = dict(present.broadcasts)
    alike = [
        address
        for address in present.addresses
        if address in desired.addresses and broadcasts.get(address) == there.get(address)
    ]
    in_place = _in_place(desired.addresses, alike)
    misplaced = frozenset(desired.addresses).intersection(present.addresses) - in_place
    return plan_addresses(desired, present, misplaced, broadcasts)


def _in_place(
    wanted: Collection[IPInterface], present: Collection[IPInterface]
) -> frozenset[IPInterface]:
    """Return which may stay if what is missing comes behind them.

    Linux knows an order of the networks, by their primary addresses, and one within
    each network; the latter's addresses may have those of others between them.
    """
    there = _by_network(present)
    kept = {
        network: _common_beginning(addresses, there.get(network, []))
        for network, addresses in _by_network(wanted).items()
    }
    first = _common_beginning(list(kept), [network for network in there if kept[network]])
    in_place = {address for network in first for address in kept[network]}
    return frozenset(in_place.union(address for address in present if address.version == 6))


def _by_network(addresses: Iterable[IPInterface]) -> dict[IPNetwork, list[IPInterface]]:
    """Sort IPv4 addresses by network, in the order of their first ones."""
    networks: dict[IPNetwork, list[IPInterface]] = {}
    for address in addresses:
        if address.version == 4:
            networks.setdefault(address.network, []).append(address)
    return networks


def _common_beginning(wanted: list[_Item], present: list[_Item]) -> list[_Item]:
    count = 0
    while wanted[count : count + 1] == present[count : count + 1] != []:
        count += 1
    return wanted[:count]
