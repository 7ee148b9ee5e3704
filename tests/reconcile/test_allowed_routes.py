"""What an interface's allowed IPs make of the routing."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from netstart_wg.app.keys import derive_public_key
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PrivateKey
from netstart_wg.model.route import NextHop, Route, RouteKey, RouteKind
from netstart_wg.model.rule import MARK_MASK, TABLES, PolicyRule
from netstart_wg.reconcile.allowed_routes import (
    needs_table,
    tables_to_try,
    with_allowed_routes,
)

TABLE = TABLES[7]
OWN, OTHER, THIRD = (PrivateKey(bytes([n]) * 32) for n in (1, 2, 3))
THROUGH = (NextHop(None, "wg0"),)


def config(*allowed: str, rdomain: int = 0, wgrtable: int = 0, **values: object) -> InterfaceConfig:
    """Return an interface that is up, with two peers that share the allowed IPs."""
    networks = [ip_network(text) for text in allowed]
    peers = (
        PeerConfig(public_key=derive_public_key(OTHER), allowed_ips=tuple(networks[:1])),
        PeerConfig(public_key=derive_public_key(THIRD), allowed_ips=tuple(networks[1:])),
    )
    return InterfaceConfig(
        name="wg0",
        rdomain=rdomain,
        wireguard=WireGuardConfig(private_key=OWN, wgrtable=wgrtable, peers=peers),
        addresses=(ip_interface("10.0.0.1/24"), ip_interface("fd00::1/64")),
        is_up=True,
        **values,  # type: ignore[arg-type]
    )


def completed(before: InterfaceConfig, table: int | None = TABLE) -> InterfaceConfig:
    return with_allowed_routes(before, table, derive_public_key)


def through(destination: str, rdomain: int = 0, table: int | None = None) -> Route:
    key = RouteKey(rdomain, ip_network(destination), table=table)
    return Route(key=key, next_hops=THROUGH)


def refusal(destination: str) -> Route:
    key = RouteKey(0, ip_network(destination), priority=9, table=TABLE)
    return Route(key=key, kind=RouteKind.REJECT)


def rules(version: int) -> tuple[PolicyRule, ...]:
    main = PolicyRule(
        rdomain=0, version=version, priority=32764, unless_mark=TABLE, ignores_default=True
    )
    own = PolicyRule(rdomain=0, version=version, priority=32765, unless_mark=TABLE, table=TABLE)
    return main, own


def test_each_allowed_ip_is_a_route_through_the_interface_in_its_rdomain() -> None:
    found = completed(config("10.1.0.0/16", "fd01::/48", "10.2.0.5/32", rdomain=3))
    assert found.routes == tuple(
        through(text, 3) for text in ("10.1.0.0/16", "fd01::/48", "10.2.0.5/32")
    )
    assert found.rules == ()
    assert found.wireguard.fwmark is None


def test_where_an_address_leads_there_is_no_route() -> None:
    assert completed(config("10.0.0.0/24", "10.0.0.7/32", "fd00::7/128")).routes == ()
    wider = completed(config("10.0.0.0/23", "fd00::/48"))
    assert wider.routes == (through("10.0.0.0/23"), through("fd00::/48"))


@pytest.mark.parametrize("destination", ["10.1.0.0/16", "0.0.0.0/0"])
def test_what_the_file_says_of_a_destination_holds(destination: str) -> None:
    key = RouteKey(0, ip_network(destination), priority=20)
    declared = Route(key=key, next_hops=(NextHop(ip_address("192.0.2.1"), None),))
    before = config(destination, routes=(declared,))
    assert completed(before) == before
    elsewhere = replace(declared, key=replace(key, rdomain=5))
    assert len(completed(replace(before, routes=(elsewhere,))).routes) > 1


def test_a_default_route_is_in_a_table_of_its_own_and_behind_it_everything_is_refused() -> None:
    found = completed(config("0.0.0.0/0", "10.1.0.0/16"))
    assert found.routes == (
        through("10.1.0.0/16"),
        refusal("0.0.0.0/0"),
        through("0.0.0.0/0", table=TABLE),
    )
    assert found.rules == rules(4)
    assert found.wireguard.fwmark == TABLE


def test_both_families_have_their_rules() -> None:
    found = completed(config("0.0.0.0/0", "::/0"))
    assert found.rules == rules(4) + rules(6)
    assert through("::/0", table=TABLE) in found.routes


def test_halves_of_everything_are_routes_like_any_other() -> None:
    halves = config("0.0.0.0/1", "128.0.0.0/1", "::/1")
    assert not needs_table(halves)
    found = completed(halves, None)
    assert found.rules == ()
    assert {route.key.table for route in found.routes} == {None}


@pytest.mark.parametrize(("rdomain", "wgrtable"), [(1, 0), (0, 1), (1, 2)])
def test_no_rules_are_needed_where_the_sockets_are_elsewhere(rdomain: int, wgrtable: int) -> None:
    before = config("0.0.0.0/0", rdomain=rdomain, wgrtable=wgrtable)
    assert not needs_table(before)
    found = completed(before, None)
    assert found.routes == (through("0.0.0.0/0", rdomain),)
    assert (found.rules, found.wireguard.fwmark) == ((), None)


@pytest.mark.parametrize("change", [{"is_up": False}, {"exists": False}])
def test_an_interface_that_is_down_or_gone_has_none(change: dict[str, bool]) -> None:
    before = replace(config("0.0.0.0/0", "10.1.0.0/16"), **change)  # type: ignore[arg-type]
    assert not needs_table(before)
    assert completed(before) == before


def test_what_the_file_gives_to_its_own_key_is_no_peers() -> None:
    me = PeerConfig(public_key=derive_public_key(OWN), allowed_ips=(ip_network("10.9.0.0/16"),))
    before = config("10.1.0.0/16")
    engine = replace(before.wireguard, peers=(*before.wireguard.peers, me))
    assert completed(replace(before, wireguard=engine)).routes == (through("10.1.0.0/16"),)


def test_a_second_time_changes_nothing() -> None:
    once = completed(config("0.0.0.0/0", "::/0", "10.1.0.0/16"))
    assert needs_table(once)
    assert completed(once) == once


def test_commands_find_the_routes_of_the_lines_before_them() -> None:
    stage = config("10.1.0.0/16")
    before = config("10.1.0.0/16", "10.2.0.0/16", commands=(Command("true", before=stage),))
    (command,) = completed(before).commands
    assert command.before is not None
    assert command.before.routes == (through("10.1.0.0/16"),)


def test_rules_of_all_interfaces_let_the_packets_of_all_engines_pass() -> None:
    marks = {table & MARK_MASK for table in TABLES}
    assert len(marks) == 1


@pytest.mark.parametrize(
    ("interface", "first"),
    [("wg0", 0), ("wg5", 5), ("vpn12", 12), ("wg16384", 0), ("wg4294967295", 67295 % 16384)],
)
def test_the_first_table_to_try_has_the_interfaces_number(interface: str, first: int) -> None:
    tables = list(tables_to_try(interface))
    assert tables[0] == TABLES[first]
    assert sorted(tables) == list(TABLES)
