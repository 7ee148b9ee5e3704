"""`netstart-wg status`: what the interfaces are and do, in whichever rdomain.

A name that does not end in a digit is a group's, as for ifconfig(8), if an
interface is in it; `wg` is the group of all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.observe import ElsewhereError, observe_link
from netstart_wg.app.output import Output, for_each
from netstart_wg.app.system import Machine
from netstart_wg.backends.base import PATIENCE_SECONDS
from netstart_wg.errors import ExitStatus, NetstartError, NotOursError, PermissionDeniedError
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.render.status import InterfaceStatus

LIST_PATIENCE_SECONDS: Final = 3.0
"""How long the others wait for an engine that nobody asked for by name; it may be a stranger's."""


class NoSuchInterfaceError(NetstartError):
    """There is no interface of that name."""

    def __init__(self, interface: str) -> None:
        super().__init__(f"{interface}: no such interface")


def print_status(
    name: str | None, machine: Machine, output: Output, *, with_peers: bool = True
) -> ExitStatus:
    """Print an interface, a group, or every interface that has an engine of ours.

    The layout is that of ifconfig(8), which without a name leaves out the peers.
    """
    from netstart_wg.render.status import render_status

    statuses, outcome = _statuses(name, machine, output)
    for status in statuses:
        shown = status if with_peers else _without_peers(status)
        output.say(render_status(shown, machine.system.realtime_ns()).rstrip("\n"))
    return outcome


def print_status_json(name: str | None, machine: Machine, output: Output) -> ExitStatus:
    """Print the same as one JSON object."""
    from netstart_wg.render.status_json import render_status_json

    statuses, outcome = _statuses(name, machine, output)
    output.say(render_status_json(statuses, machine.system.realtime_ns()).rstrip("\n"))
    return outcome


def _statuses(
    name: str | None, machine: Machine, output: Output
) -> tuple[list[InterfaceStatus], ExitStatus]:
    if name is not None and name[-1:].isdigit():
        return [_named(name, machine)], ExitStatus.OK
    every, outcome = _every(machine, output)
    if name is None:
        return every, outcome
    group = [status for status in every if name in status.groups]
    return group or [_named(name, machine)], outcome


def _every(machine: Machine, output: Output) -> tuple[list[InterfaceStatus], ExitStatus]:
    """Find those that have an engine of ours; without root, those that have any and are here.

    Of an engine that does not answer, or not in words that we know, it is told.
    """
    found: list[InterfaceStatus] = []

    def look(interface: str) -> ExitStatus:
        status = _find(interface, machine, LIST_PATIENCE_SECONDS)
        if status and (status.state.wireguard or not machine.system.is_root()):
            found.append(status)
        return ExitStatus.OK

    outcome = for_each(machine.system.engine_names(), look, output)
    return found, outcome


def _named(interface: str, machine: Machine) -> InterfaceStatus:
    status = _find(interface, machine)
    if status is not None:
        return status
    if not machine.system.is_root() and interface in machine.system.engine_names():
        reason = "only root may look at an interface in another rdomain"
        raise PermissionDeniedError(f"{interface}: {reason}")
    engine = _engine(interface, machine)
    if engine is not None:
        raise ElsewhereError(interface, engine)
    raise NoSuchInterfaceError(interface)


def _find(
    interface: str, machine: Machine, patience_seconds: float = PATIENCE_SECONDS
) -> InterfaceStatus | None:
    engine = _engine(interface, machine, patience_seconds)
    link = observe_link(interface, engine, machine)
    return None if link is None else _status(link, engine, machine)


def _status(
    link: InterfaceState, engine: WireGuardState | None, machine: Machine
) -> InterfaceStatus:
    private_key = engine.private_key if engine else None
    return InterfaceStatus(
        state=replace(link, wireguard=engine),
        public_key=derive_public_key(private_key) if private_key else None,
        is_wireguard=link.name in machine.system.engine_names(),
    )


def _without_peers(status: InterfaceStatus) -> InterfaceStatus:
    engine = status.state.wireguard
    if engine is None:
        return status
    return replace(status, state=replace(status.state, wireguard=replace(engine, peers=())))


def _engine(
    interface: str, machine: Machine, patience_seconds: float = PATIENCE_SECONDS
) -> WireGuardState | None:
    """Return what the engine tells; None if it is none of ours, or we may not ask."""
    if not machine.system.is_root():
        return None
    try:
        return machine.backend.state(interface, patience_seconds)
    except NotOursError:
        return None
