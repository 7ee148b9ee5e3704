"""Look at what is there: netlink and the engine, put together."""

from __future__ import annotations

from dataclasses import replace

from netstart_wg.app.system import Machine
from netstart_wg.errors import NotOursError
from netstart_wg.model.state import InterfaceState, WireGuardState


def observe(interface: str, machine: Machine) -> InterfaceState | None:
    """Return the interface with its engine, or None if there is none.

    Raise NotOursError for one that is not ours to touch: another program's
    engine, no engine at all, or an engine of ours whose interface is elsewhere.
    """
    link, engine = _look(interface, machine)
    if (link is None) != (engine is None):
        link, engine = _look(interface, machine)  # it was perhaps just coming or going
    if link is None and engine is None:
        return None
    if link is None:
        reason = "its engine runs, but the interface is not in this network namespace"
        raise NotOursError("observe", interface, reason)
    if engine is None:
        reason = "exists and is not ours: no engine of netstart-wg is behind it"
        raise NotOursError("observe", interface, reason)
    return replace(link, wireguard=engine)


def _look(interface: str, machine: Machine) -> tuple[InterfaceState | None, WireGuardState | None]:
    """Ask the engine first: one that answers has its interface."""
    engine = machine.backend.state(interface)
    return machine.system.links.observe(interface), engine
