"""Who changes the tunnel by which they are there gets a change that goes back by itself."""

from __future__ import annotations

from typing import Final

from netstart_wg.app.options import Options
from netstart_wg.app.output import Output
from netstart_wg.app.pending import duration
from netstart_wg.app.prepare import Situation
from netstart_wg.app.system import Machine
from netstart_wg.model.action import Plan
from netstart_wg.model.connection import Connection
from netstart_wg.reconcile.lifeline import could_cut, runs_through

WINDOW_NS: Final = 300_000_000_000
"""How long a confirmation may take that nobody has asked for."""


def has_to_be_confirmed(
    situation: Situation, plan: Plan, options: Options, machine: Machine, output: Output
) -> bool:
    """Say whether a plan goes back unless it is confirmed; tell if nobody has asked for that."""
    if options.window_ns is not None:
        return True
    connection = machine.system.ssh_connection() if options.guards_connection else None
    if connection is None:
        return False
    is_through = _is_through(connection, situation, machine)
    if not could_cut(plan, situation.running, connection, is_through=is_through):
        return False
    output.warn(
        f"{plan.interface}: this may cut your SSH connection from {connection.client}:"
        f" it will go back in {duration(WINDOW_NS)}, unless you confirm"
        "\n    hint: --no-confirm does without, --confirm takes another time"
    )
    return True


def _is_through(connection: Connection, situation: Situation, machine: Machine) -> bool:
    """Say whether the connection runs through the interface as it is."""
    running = situation.running
    if running is None or running.rdomain != 0:  # sshd is where we are
        return False
    if runs_through(connection, running):
        return True
    links = machine.system.links()
    return links.interface_towards(connection.client, connection.server) == running.name
