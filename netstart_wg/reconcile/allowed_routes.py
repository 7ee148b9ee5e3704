"""Routes from allowed IPs, as wg-quick(8) makes them, and policy routing for a default route.

- Each allowed IP is a route through the interface, unless an address of the
  interface already leads there, or a `!route` says where that destination is to
  be reached.
- A default route would take the engine's own packets into the tunnel.  So it is
  in a table of the interface's own, which only packets without the engine's mark
  look into, and they only when the main table has nothing better than a default
  route itself: what is near stays near.
- In that table a second route, worse than the first, refuses everything: should
  the first one go, with an engine that was killed or an interface that was taken
  down by hand, nothing leaves the host unencrypted.
- Where the sockets are in another rdomain than the interface nothing can go
  round in circles, and a default route is a route like any other.
- An interface that shall be down has none of this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from netstart_wg.model.address import IPNetwork
from netstart_wg.model.config import Command, InterfaceConfig
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.route import DEFAULT_PRIORITY, NextHop, Route, RouteKey, RouteKind
from netstart_wg.model.rule import TABLES, PolicyRule
from netstart_wg.reconcile.apply import DerivePublicKey

MAIN_PRIORITY: Final = 32764
"""Of the rule that has packets look into the main table; the kernel's own is at 32766."""
TABLE_PRIORITY: Final = 32765
"""Of the rule that sends the rest to the interface's table."""

_NUMBER = re.compile(r"[0-9]{1,5}$")
_MOST = 0x4000
"""Numbers to begin with stay below the bits that firewalls of containers use in marks."""


def with_allowed_routes(
    config: InterfaceConfig, table: int | None, derive_public_key: DerivePublicKey
) -> InterfaceConfig:
    """Add the routes of all allowed IPs, also to what commands find; again changes nothing.

    `table` is the interface's own, which `needs_table` asks for.
    """
    config = replace(
        config,
        commands=tuple(_staged(each, table, derive_public_key) for each in config.commands),
    )
    if not config.exists or not config.is_up:
        return config
    engine = config.wireguard
    own = derive_public_key(engine.private_key) if engine.private_key else None
    routes = [route for route in config.routes if route.key.table is None]
    routes_of_table: list[Route] = []
    rules: list[PolicyRule] = []
    for destination in _destinations(config, own):
        if not _needs_rules(destination, config):
            key = RouteKey(config.rdomain, destination)
            routes.append(_through(config.name, key))
        elif table is not None:
            routes_of_table += _routes_of_table(config, destination, table)
            rules += _rules(config.rdomain, destination.version, table)
    return replace(
        config,
        routes=(*routes, *routes_of_table),
        rules=tuple(rules),
        wireguard=replace(engine, fwmark=table if rules else engine.fwmark),
    )


def needs_table(config: InterfaceConfig) -> bool:
    """Say whether there is a default route that has to spare the engine's own packets."""
    if not config.exists or not config.is_up:
        return False
    destinations = _destinations(config, None)
    return any(_needs_rules(destination, config) for destination in destinations)


def tables_to_try(interface: str) -> Iterator[int]:
    """Yield all numbers that the interface's table may have, the one that is likest it first."""
    number = _NUMBER.search(interface)
    first = int(number[0]) % _MOST if number else 0
    for count in range(len(TABLES)):
        yield TABLES[(first + count) % len(TABLES)]


def _staged(command: Command, table: int | None, derive: DerivePublicKey) -> Command:
    if command.before is None:
        return command
    return replace(command, before=with_allowed_routes(command.before, table, derive))


def _destinations(config: InterfaceConfig, own: PublicKey | None) -> Iterator[IPNetwork]:
    """Yield where routes are missing, in the order of the file, each once."""
    declared = {
        route.key.destination
        for route in config.routes
        if route.key.rdomain == config.rdomain and route.key.table is None
    }
    connected = {address.network for address in config.addresses}
    lengths = {(network.version, network.prefixlen) for network in connected}
    allowed = dict.fromkeys(
        network
        for peer in config.wireguard.peers
        if peer.public_key != own
        for network in peer.allowed_ips
    )
    for network in allowed:
        above = (
            network.supernet(new_prefix=length)
            for version, length in lengths
            if version == network.version and length <= network.prefixlen
        )
        if network not in declared and connected.isdisjoint(above):
            yield network


def _needs_rules(destination: IPNetwork, config: InterfaceConfig) -> bool:
    return destination.prefixlen == 0 and config.rdomain == config.wireguard.wgrtable


def _through(interface: str, key: RouteKey) -> Route:
    return Route(key=key, next_hops=(NextHop(None, interface),))


def _routes_of_table(
    config: InterfaceConfig, destination: IPv4Network | IPv6Network, table: int
) -> Iterator[Route]:
    """Yield the refusal first: the table is never without an answer."""
    worse = RouteKey(config.rdomain, destination, DEFAULT_PRIORITY + 1, table)
    yield Route(key=worse, kind=RouteKind.REJECT)
    yield _through(config.name, RouteKey(config.rdomain, destination, table=table))


def _rules(rdomain: int, version: int, table: int) -> Iterator[PolicyRule]:
    """Yield what makes no difference yet, then what does."""
    yield PolicyRule(
        rdomain=rdomain,
        version=version,
        priority=MAIN_PRIORITY,
        unless_mark=table,
        ignores_default=True,
    )
    yield PolicyRule(
        rdomain=rdomain, version=version, priority=TABLE_PRIORITY, unless_mark=table, table=table
    )
