"""What a plan would make of an interface, without doing anything.

A step that the system would refuse is a ValueError here too, so that a plan
which cannot be carried out is found without a kernel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Address
from typing import assert_never

from netstart_wg.model.action import (
    AddAddress,
    AddRoute,
    AddRule,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
    ForgetCommand,
    Plan,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    RemoveStranger,
    RunCommand,
    SetDebug,
    SetDescription,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.address import IPInterface
from netstart_wg.model.config import DEFAULT_MTU, IPV6_MINIMUM_MTU
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.route import Route
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.reconcile.apply import DerivePublicKey, apply_change
from netstart_wg.reconcile.routes import leaves_only_through

Change = (
    CreateInterface
    | SetRdomain
    | ConfigureDevice
    | SetMtu
    | SetDescription
    | SetDebug
    | AddAddress
    | RemoveAddress
    | BringUp
    | BringDown
    | AddRoute
    | RemoveRoute
    | AddRule
    | RemoveRule
    | RunCommand
    | ForgetCommand
)
"""Every action after which there is an interface."""

IFF_UP = 0x1
IFF_DEBUG = 0x4
"""netdevice(7)."""


def new_interface(name: str, engine: EngineKind = EngineKind.EMBEDDED) -> InterfaceState:
    """Return an interface as CreateInterface leaves it; the kernel's index is not known before."""
    state = WireGuardState(kind=engine)
    return InterfaceState(name=name, index=0, flags=0, mtu=DEFAULT_MTU, wireguard=state)


def simulate(
    plan: Plan, running: InterfaceState | None, derive_public_key: DerivePublicKey
) -> InterfaceState | None:
    """Return the interface after the plan; None if there is none then."""
    for action in plan.actions:
        if isinstance(action, DestroyInterface):
            if running is None:
                raise ValueError(f"'{action.interface}' does not exist")
            running = None
        elif isinstance(action, RemoveStranger):
            if running is not None:
                raise ValueError(f"'{action.interface}' is ours")
        else:
            running = after((action,), running, derive_public_key)
    return running


def after(
    actions: Iterable[Change], before: InterfaceState | None, derive_public_key: DerivePublicKey
) -> InterfaceState:
    """Return the interface after steps of which none destroys it, and one may create it."""
    for action in actions:
        before = _after(action, before, derive_public_key)
    if before is None:
        raise ValueError("there is no interface")
    return before


def _after(
    action: Change, before: InterfaceState | None, derive_public_key: DerivePublicKey
) -> InterfaceState:
    if isinstance(action, CreateInterface):
        if before is not None:
            raise ValueError(f"'{action.interface}' exists")
        return new_interface(action.interface, action.engine)
    if before is None:
        raise ValueError(f"'{action.interface}' does not exist")
    match action:
        case ConfigureDevice(_, change):
            engine = before.wireguard or WireGuardState()
            return replace(before, wireguard=apply_change(engine, change, derive_public_key))
        case SetRdomain(_, after=rdomain):
            bare = replace(_down(before), addresses=(), kernel_addresses=(), broadcasts=())
            return replace(bare, rdomain=rdomain)
        case SetMtu(_, after=mtu):
            return _with_mtu(before, mtu)
        case SetDescription(_, after=description):
            return replace(before, description=description)
        case AddAddress(_, address, broadcast):
            after = _with_address(before, address)
            if broadcast is None or not isinstance(address, IPv4Interface):
                return after
            return replace(after, broadcasts=(*before.broadcasts, (address, broadcast)))
        case RemoveAddress(_, address):
            return _without_address(before, address)
        case SetDebug(_, is_on):
            flags = before.flags | IFF_DEBUG if is_on else before.flags & ~IFF_DEBUG
            return replace(before, flags=flags)
        case BringUp():
            return replace(before, flags=before.flags | IFF_UP)
        case BringDown():
            return _down(before)
        case AddRoute(_, route):
            return replace(before, routes=(*_without_route(before, route), route))
        case RemoveRoute(_, route):
            rest = _without_route(before, route)
            if len(rest) == len(before.routes):
                raise ValueError(f"'{route.key}' is not there")
            return replace(before, routes=rest)
        case AddRule(_, rule):
            if rule in before.rules:
                raise ValueError(f"'{rule}' is there")
            return replace(before, rules=(*before.rules, rule))
        case RemoveRule(_, rule):
            if rule not in before.rules:
                raise ValueError(f"'{rule}' is not there")
            return replace(before, rules=tuple(each for each in before.rules if each != rule))
        case RunCommand() | ForgetCommand():
            return before
        case _:
            assert_never(action)


def _down(before: InterfaceState) -> InterfaceState:
    """Take an interface down; Linux takes the routes through it alone away."""
    left = _without_routes(_without_routes(before, 4), 6)
    return replace(left, flags=before.flags & ~IFF_UP)


def _with_mtu(before: InterfaceState, mtu: int) -> InterfaceState:
    """Set the MTU; where IPv6 does not fit in, Linux takes all of it away."""
    after = replace(before, mtu=mtu)
    if mtu >= IPV6_MINIMUM_MTU:
        return after
    left = tuple(address for address in before.addresses if address.version == 4)
    return _without_routes(replace(after, addresses=left, kernel_addresses=()), 6)


def _without_routes(before: InterfaceState, version: int) -> InterfaceState:
    """Take away the routes of a family that leave through the interface alone."""
    left = tuple(
        route
        for route in before.routes
        if route.key.destination.version != version
        or not leaves_only_through(route, before.name, before.rdomain)
    )
    return replace(before, routes=left)


def _without_route(before: InterfaceState, route: Route) -> tuple[Route, ...]:
    return tuple(present for present in before.routes if present.key != route.key)


def _with_address(before: InterfaceState, address: IPInterface) -> InterfaceState:
    """Add an address; IPv6 refuses the same one with another prefix length."""
    for present in (*before.addresses, *before.kernel_addresses):
        is_same_ip = isinstance(address.ip, IPv6Address) and present.ip == address.ip
        if present == address or is_same_ip:
            raise ValueError(f"'{present}' is there")
    return replace(before, addresses=(*before.addresses, address))


def _without_address(before: InterfaceState, address: IPInterface) -> InterfaceState:
    if address not in before.addresses:
        raise ValueError(f"'{address}' is not there")
    rest = tuple(present for present in before.addresses if present != address)
    broadcasts = tuple(pair for pair in before.broadcasts if pair[0] != address)
    left = replace(before, addresses=rest, broadcasts=broadcasts)
    return left if any(present.version == 4 for present in rest) else _without_routes(left, 4)
