"""The rdomains that an interface needs, and those of them that netstart-wg.toml gives a place."""

from __future__ import annotations

from collections.abc import Mapping

from netstart_wg.app.system import Machine
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.settings import InterfaceSettings, RdomainPlace


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
