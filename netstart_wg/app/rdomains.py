"""The rdomains that an interface needs, those that have a place, and those that it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from netstart_wg.app.output import Output, for_each
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus, NetstartError, NotOursError
from netstart_wg.model.action import Action, ConfigureDevice, SetRdomain
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.settings import InterfaceSettings, RdomainPlace
from netstart_wg.model.state import InterfaceState


def places_needed(
    config: InterfaceConfig, settings: InterfaceSettings
) -> Mapping[int, RdomainPlace]:
    """Return the places of the rdomains that a file names, as far as they have any."""
    if not config.exists or not settings.rdomains:
        return {}
    named = {
        config.rdomain,
        config.wireguard.wgrtable,
        *(route.key.rdomain for route in config.routes),
        *(command.rdomain for command in config.commands),
    }
    return {number: place for number, place in settings.rdomains.items() if number in named}


def check_places(config: InterfaceConfig, settings: InterfaceSettings, machine: Machine) -> None:
    """Raise BackendError if an rdomain cannot be where it is to be.

    Never is another one taken instead: it might be connected with the Internet.
    """
    machine.system.place_rdomains(settings.rdomains)
    for rdomain in places_needed(config, settings):
        machine.system.check_rdomain(rdomain)


def lead_to_places(config: InterfaceConfig, settings: InterfaceSettings, machine: Machine) -> None:
    """Make every rdomain that a file names and that has a place be there; raise BackendError."""
    machine.system.place_rdomains(settings.rdomains)
    for rdomain in places_needed(config, settings):
        machine.system.make_rdomain(rdomain)


def remove_left(
    interface: str,
    before: InterfaceState | None,
    begun: Iterable[Action],
    machine: Machine,
    output: Output,
) -> None:
    """Remove the rdomains that steps have led away from, or not to in the end, if nobody is there.

    Only those that we made.  What cannot be removed is told, and no failure.
    """
    rdomains = set(_touched(before, begun)) - {0}
    try:
        for rdomain in sorted(rdomains.difference(_with_sockets(machine)) if rdomains else ()):
            if machine.system.remove_rdomain(rdomain):
                output.step(f"{interface}: nobody is left in rdomain {rdomain}: removed")
    except NetstartError as error:
        output.warn(f"{interface}: warning: {error}")


def remove_unused(machine: Machine, output: Output) -> ExitStatus:
    """Remove every rdomain that we made and nobody is in any more."""

    def remove(rdomain: int) -> ExitStatus:
        if machine.system.remove_rdomain(rdomain):
            output.step(f"rdomain {rdomain}: nobody is left in it: removed")
        return ExitStatus.OK

    rdomains = machine.system.rdomains()
    in_use = set(_with_sockets(machine)) if rdomains else set()
    return for_each((each for each in rdomains if each not in in_use), remove, output)


def _touched(before: InterfaceState | None, begun: Iterable[Action]) -> Iterator[int]:
    if before is not None:
        yield before.rdomain
        if before.wireguard is not None:
            yield before.wireguard.wgrtable or 0
    for step in begun:
        match step:
            case SetRdomain(_, former, after):
                yield former
                yield after
            case ConfigureDevice(_, change) if isinstance(change.wgrtable, int):
                yield change.wgrtable


def _with_sockets(machine: Machine) -> Iterator[int]:
    """Yield where engines have their sockets, or will when their interfaces come up."""
    for name in machine.system.engine_names():
        with suppress(NotOursError):  # whose own process is where its sockets are
            if (engine := machine.backend.glance(name)) is not None:
                yield engine.wgrtable or 0
