"""`netstart-wg status`: what the interfaces are and do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus, NetstartError, NotOursError
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.render.status import InterfaceStatus


class NoSuchInterfaceError(NetstartError):
    """There is no interface of that name."""

    def __init__(self, interface: str) -> None:
        super().__init__(f"{interface}: no such interface")


def print_status(interface: str | None, machine: Machine, output: Output) -> ExitStatus:
    """Print the interface, or every one that has an engine of ours, as ifconfig(8) does."""
    from netstart_wg.render.status import render_status

    for status in _statuses(interface, machine):
        output.say(render_status(status, machine.system.realtime_ns()).rstrip("\n"))
    return ExitStatus.OK


def print_status_json(interface: str | None, machine: Machine, output: Output) -> ExitStatus:
    """Print the same as one JSON object."""
    from netstart_wg.render.status_json import render_status_json

    statuses = list(_statuses(interface, machine))
    output.say(render_status_json(statuses, machine.system.realtime_ns()).rstrip("\n"))
    return ExitStatus.OK


def _statuses(interface: str | None, machine: Machine) -> Iterator[InterfaceStatus]:
    """Yield the one asked for, or else those that have an engine of ours."""
    if interface is not None:
        link = machine.system.links.observe(interface)
        if link is None:
            raise NoSuchInterfaceError(interface)
        yield _status(link, machine)
        return
    for name in machine.system.engine_names():
        link = machine.system.links.observe(name)
        status = _status(link, machine) if link else None
        if status and (status.state.wireguard or not machine.system.is_root()):
            yield status


def _status(link: InterfaceState, machine: Machine) -> InterfaceStatus:
    engine = _engine(link.name, machine)
    private_key = engine.private_key if engine else None
    return InterfaceStatus(
        state=replace(link, wireguard=engine),
        public_key=derive_public_key(private_key) if private_key else None,
        is_wireguard=link.name in machine.system.engine_names(),
    )


def _engine(interface: str, machine: Machine) -> WireGuardState | None:
    """Return what the engine tells; None if it is none of ours, or we may not ask."""
    if not machine.system.is_root():
        return None
    try:
        return machine.backend.state(interface)
    except NotOursError:
        return None
