"""`netstart-wg status`: what the interfaces are and do, in whichever rdomain.

A name that does not end in a digit is a group's, as for ifconfig(8), if an
interface is in it; `wg` is the group of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.observe import ElsewhereError, observe_link
from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus, NetstartError, NotOursError, PermissionDeniedError
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.render.status import InterfaceStatus


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

    for status in _statuses(name, machine):
        shown = status if with_peers else _without_peers(status)
        output.say(render_status(shown, machine.system.realtime_ns()).rstrip("\n"))
    return ExitStatus.OK


def print_status_json(name: str | None, machine: Machine, output: Output) -> ExitStatus:
    """Print the same as one JSON object."""
    from netstart_wg.render.status_json import render_status_json

    statuses = list(_statuses(name, machine))
    output.say(render_status_json(statuses, machine.system.realtime_ns()).rstrip("\n"))
    return ExitStatus.OK


def _statuses(name: str | None, machine: Machine) -> Iterator[InterfaceStatus]:
    if name is None:
        yield from _every(machine)
        return
    group = () if name[-1:].isdigit() else _group(name, machine)
    yield from group or [_named(name, machine)]


def _every(machine: Machine) -> Iterator[InterfaceStatus]:
    """Yield those that have an engine of ours; without root, those that have any and are here."""
    for interface in machine.system.engine_names():
        status = _find(interface, machine)
        if status and (status.state.wireguard or not machine.system.is_root()):
            yield status


def _group(name: str, machine: Machine) -> list[InterfaceStatus]:
    return [status for status in _every(machine) if name in status.groups]


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


def _find(interface: str, machine: Machine) -> InterfaceStatus | None:
    engine = _engine(interface, machine)
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


def _engine(interface: str, machine: Machine) -> WireGuardState | None:
    """Return what the engine tells; None if it is none of ours, or we may not ask."""
    if not machine.system.is_root():
        return None
    try:
        return machine.backend.state(interface)
    except NotOursError:
        return None
