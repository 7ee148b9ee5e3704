"""Carry out one action of a plan: one call to the system or to the engine."""

from __future__ import annotations

from typing import assert_never

from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine
from netstart_wg.model.action import (
    AddAddress,
    AddRoute,
    AddRule,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
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
from netstart_wg.model.change import UNCHANGED, DeviceChange
from netstart_wg.model.hidden import hide_keys

Change = (
    CreateInterface
    | RemoveStranger
    | DestroyInterface
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
)
"""Every action but the user's own commands."""


def execute(action: Change, rdomain: int, machine: Machine) -> None:
    """Do what the action says to an interface in that rdomain.

    Raise BackendError if the system or the engine refuses.
    """
    system, backend = machine.system, machine.backend
    match action:
        case CreateInterface(interface, engine):
            backend.create(interface, engine)
        case RemoveStranger(interface):
            backend.displace(interface)
        case DestroyInterface(interface):
            backend.destroy(interface)
        case SetRdomain(interface, before, after):
            system.make_rdomain(after)
            system.links(before).move(interface, after)
        case ConfigureDevice(interface, change):
            _make_rdomain_of_sockets(change, machine)
            backend.configure(interface, change)
        case SetMtu(interface, after=mtu_bytes):
            system.links(rdomain).set_mtu(interface, mtu_bytes)
        case SetDescription(interface, after=description):
            system.links(rdomain).set_description(interface, description)
        case SetDebug(interface, is_on):
            system.links(rdomain).set_debug(interface, is_on)
        case AddAddress(interface, address, broadcast):
            system.links(rdomain).add_address(interface, address, broadcast)
        case RemoveAddress(interface, address):
            system.links(rdomain).remove_address(interface, address)
        case BringUp(interface):
            system.links(rdomain).bring_up(interface)
        case BringDown(interface):
            system.links(rdomain).bring_down(interface)
        case AddRoute(interface, route):
            system.links(route.key.rdomain).add_route(interface, route)
        case RemoveRoute(interface, route):
            system.links(route.key.rdomain).remove_route(interface, route)
        case AddRule(interface, rule):
            system.links(rule.rdomain).add_rule(interface, rule)
        case RemoveRule(interface, rule):
            system.links(rule.rdomain).remove_rule(interface, rule)
        case _:
            assert_never(action)


def _make_rdomain_of_sockets(change: DeviceChange, machine: Machine) -> None:
    """Make the rdomain that the engine is to open sockets in.

    Of one that somebody has deleted the engine does not tell, so that it is
    always in the change: what the change leaves alone exists.
    """
    if change.wgrtable is not UNCHANGED:
        machine.system.make_rdomain(change.wgrtable)


def run_command(action: RunCommand, machine: Machine, output: Output) -> str | None:
    """Run a `!` line, and tell what it prints, but no key; return how it failed, or None."""

    def tell(line: str) -> None:
        output.warn(f"{action.interface}: command: {hide_keys(line)}")

    command = action.command
    failure = machine.system.run_command(command.text, command.rdomain, tell).failure
    return None if failure is None else f"command failed: {failure}: !{command.shown}"
