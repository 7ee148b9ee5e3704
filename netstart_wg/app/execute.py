"""Carry out one action of a plan: one call to the system or to the engine."""

from __future__ import annotations

from typing import assert_never

from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus
from netstart_wg.model.action import (
    AddAddress,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    RemoveAddress,
    RunCommand,
    SetDescription,
    SetMtu,
)

Change = (
    CreateInterface
    | ConfigureDevice
    | SetMtu
    | SetDescription
    | AddAddress
    | RemoveAddress
    | BringUp
    | BringDown
)
"""Every action but the user's own commands."""


def execute(action: Change, machine: Machine) -> None:
    """Do what the action says; raise BackendError if the system or the engine refuses."""
    links, backend = machine.system.links, machine.backend
    match action:
        case CreateInterface(interface):
            backend.create(interface)
        case ConfigureDevice(interface, change):
            backend.configure(interface, change)
        case SetMtu(interface, after=mtu_bytes):
            links.set_mtu(interface, mtu_bytes)
        case SetDescription(interface, after=description):
            links.set_description(interface, description)
        case AddAddress(interface, address):
            links.add_address(interface, address)
        case RemoveAddress(interface, address):
            links.remove_address(interface, address)
        case BringUp(interface):
            links.bring_up(interface)
        case BringDown(interface):
            links.bring_down(interface)
        case _:
            assert_never(action)


def run_command(action: RunCommand, machine: Machine, output: Output) -> ExitStatus:
    """Run a `!` line; return OK, or WARNINGS if it failed: that holds up nothing."""
    failure = machine.system.run_command(action.command.text).failure
    if failure is None:
        return ExitStatus.OK
    output.warn(f"{action.interface}: warning: command failed: {failure}: !{action.command.shown}")
    return ExitStatus.WARNINGS
