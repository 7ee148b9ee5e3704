"""What a plan would make of an interface, without doing anything.

A step that the system would refuse is a ValueError here too, so that a plan
which cannot be carried out is found without a kernel.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address
from typing import assert_never

from netstart_wg.model.action import (
    Action,
    AddAddress,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    Plan,
    RemoveAddress,
    RunCommand,
    SetDescription,
    SetMtu,
)
from netstart_wg.model.address import IPInterface
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.reconcile.apply import DerivePublicKey, apply_change
from netstart_wg.reconcile.plan import new_interface

IFF_UP = 1
"""netdevice(7)."""


def simulate(
    plan: Plan, running: InterfaceState | None, derive_public_key: DerivePublicKey
) -> InterfaceState | None:
    """Return the interface after the plan; None if there was none and none was created."""
    for action in plan.actions:
        running = _after(action, running, derive_public_key)
    return running


def _after(
    action: Action, before: InterfaceState | None, derive_public_key: DerivePublicKey
) -> InterfaceState:
    if isinstance(action, CreateInterface):
        if before is not None:
            raise ValueError(f"'{action.interface}' exists")
        return new_interface(action.interface)
    if before is None:
        raise ValueError(f"'{action.interface}' does not exist")
    match action:
        case ConfigureDevice(_, change):
            engine = before.wireguard or WireGuardState()
            return replace(before, wireguard=apply_change(engine, change, derive_public_key))
        case SetMtu(_, after=mtu):
            return replace(before, mtu=mtu)
        case SetDescription(_, after=description):
            return replace(before, description=description)
        case AddAddress(_, address):
            return _with_address(before, address)
        case RemoveAddress(_, address):
            return _without_address(before, address)
        case BringUp():
            return replace(before, flags=before.flags | IFF_UP)
        case BringDown():
            return replace(before, flags=before.flags & ~IFF_UP)
        case RunCommand():
            return before
        case _:
            assert_never(action)


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
    return replace(before, addresses=rest)
