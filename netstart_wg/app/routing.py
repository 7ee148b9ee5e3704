"""Routes and rules that no line of the file names: what allowed IPs ask for, and what was left."""

from __future__ import annotations

from collections.abc import Iterable

from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.observe import observe_routing
from netstart_wg.app.records import records_of_others
from netstart_wg.app.system import Machine
from netstart_wg.errors import BackendError, NoSuchRdomainError
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.route import RouteKey
from netstart_wg.model.rule import TABLES
from netstart_wg.model.settings import InterfaceSettings, RdomainKind, RouteSource
from netstart_wg.model.state import InterfaceState, LeftBehind
from netstart_wg.reconcile.allowed_routes import needs_table, tables_to_try, with_allowed_routes


def with_routes_asked_for(
    config: InterfaceConfig,
    settings: InterfaceSettings,
    running: InterfaceState | None,
    applied: AppliedRecord | None,
    machine: Machine,
) -> InterfaceConfig:
    """Add what the settings ask for; again changes nothing.  Raise BackendError."""
    if settings.routes is not RouteSource.ALLOWED_IPS:
        return config
    place = settings.rdomains.get(config.rdomain)
    if needs_table(config) and place is not None and place.kind is RdomainKind.VRF:
        reason = (
            f"the engine's own packets would take a default route in the VRF of rdomain"
            f" {config.rdomain}\n    hint: give the sockets another rdomain with `wgrtable`"
        )
        raise BackendError("routes from allowed IPs", config.name, reason)
    table = _table(config, running, applied, machine) if needs_table(config) else None
    return with_allowed_routes(config, table, derive_public_key)


def left_behind(applied: AppliedRecord | None, machine: Machine) -> LeftBehind:
    """Return what is there of what was on record for an interface that is gone."""
    if applied is None or not applied.routes:
        return LeftBehind()
    rdomains = {key.rdomain for key in applied.routes}
    found = observe_routing(rdomains, machine, tables_of(applied.routes))
    named = frozenset(applied.routes)
    routes = tuple(
        route for route in found.routes if route.key in named or route.key.table is not None
    )
    return LeftBehind(routes=routes, rules=found.rules)


def tables_of(keys: Iterable[RouteKey]) -> frozenset[int]:
    """Return the tables of interfaces' own that routes are in."""
    return frozenset(key.table for key in keys if key.table is not None)


def _table(
    config: InterfaceConfig,
    running: InterfaceState | None,
    applied: AppliedRecord | None,
    machine: Machine,
) -> int:
    """Return the number of the interface's table: the one that it has, or one that is free."""
    has = [rule.unless_mark for rule in config.rules]
    has += tables_of(applied.routes if applied else ())
    if running is not None and running.wireguard is not None:
        has += {running.wireguard.fwmark}.intersection(TABLES)
    if has:
        return has[0]
    taken = _tables_of_others(config.name, machine)
    for table in tables_to_try(config.name):
        if table not in taken and not _is_of_others(table, config.rdomain, machine):
            return table
    raise BackendError("choose a routing table", config.name, "none is free")


def _tables_of_others(interface: str, machine: Machine) -> frozenset[int]:
    """Return the tables that the records of the other interfaces name."""
    records = records_of_others(interface, machine)
    return frozenset(table for record in records for table in tables_of(record.routes))


def _is_of_others(table: int, rdomain: int, machine: Machine) -> bool:
    try:
        return machine.system.links(rdomain).is_table_of_others(table)
    except NoSuchRdomainError:  # there is nobody in it yet
        return False
