"""What the route commands of a file make, one after the other, on its interface."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

import pytest

from netstart_wg.model.action import describe_route
from netstart_wg.model.route import NextHop, Route, RouteKind
from netstart_wg.model.source import Severity
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.fold_routes import Moment, RouteFold
from netstart_wg.syntax.source import SourceText
from tests.syntax.route_lines import fold, route

ADDRESSES = "inet 10.0.0.1/24\ninet6 fd00::1/64\ninet6 fe80::1/64\n"

BARE = Moment(rdomain=0, addresses=(), priority=0)


def made(text: str) -> list[str]:
    """Return the routes as route(8) commands, all of them without a word said."""
    routes, said = fold(text)
    assert said == ()
    return [describe_route(found).removeprefix("route ") for found in routes]


def hops(command: str) -> tuple[NextHop, ...]:
    routes, said = fold(f"{ADDRESSES}!route {command}\n")
    assert said == ()
    return only(routes).next_hops


def only(routes: tuple[Route, ...]) -> Route:
    (found,) = routes
    return found


def said(text: str) -> list[str]:
    return [diagnostic.format().partition("\n")[0] for diagnostic in fold(text)[1]]


# ---- where a gateway is ----


@pytest.mark.parametrize(
    ("command", "gateway", "interface"),
    [
        ("add 10.1.0.0/16 10.0.0.1", None, "wg0"),
        ("add 10.1.0.0/16 10.0.0.2", "10.0.0.2", "wg0"),
        ("add 10.1.0.0/16 -iface 10.0.0.1", None, "wg0"),
        ("add 10.1.0.0/16 -iface 10.0.0.2", None, "wg0"),
        ("add 10.1.0.0/16 192.0.2.1", "192.0.2.1", None),
        ("add 10.1.0.0/16 -link wg0", None, "wg0"),
        ("add 10.1.0.0/16 -iface $if", None, "wg0"),
        ("add 10.1.0.0/16 -link eth0", None, "eth0"),
        ("add 10.1.0.0/16 -ifp wg0 192.0.2.1", "192.0.2.1", "wg0"),
        ("add 10.1.0.0/16 -ifp wg0 10.0.0.1", None, "wg0"),
        ("add 10.1.0.0/16 -ifp eth0 192.0.2.1", "192.0.2.1", "eth0"),
        ("add 10.1.0.0/16 -ifp eth0 -iface 192.0.2.1", None, "eth0"),
        ("add -inet6 default fd00::1", None, "wg0"),
        ("add -inet6 default fd00::2", "fd00::2", "wg0"),
        ("add -inet6 default 2001:db8::2", "2001:db8::2", None),
        ("add fd00:2::/32 fe80::1%wg0", None, "wg0"),
        ("add fd00:2::/32 fe80::2%wg0", "fe80::2", "wg0"),
        ("add fd00:2::/32 fe80::2%$if", "fe80::2", "wg0"),
        ("add fd00:2::/32 fe80::2", "fe80::2", "wg0"),
        ("add fd00:2::/32 fe80::2%eth0", "fe80::2", "eth0"),
    ],
)
def test_a_gateway_is_found(command: str, gateway: str | None, interface: str | None) -> None:
    (hop,) = hops(command)
    assert (None if hop.gateway is None else str(hop.gateway)) == gateway
    assert hop.interface == interface


def test_an_address_that_comes_later_counts_too() -> None:
    text = "!route add 10.1.0.0/16 10.0.0.1\ninet 10.0.0.1/24\n"
    assert made(text) == ["add 10.1.0.0/16 -link wg0"]


def test_a_route_of_the_interfaces_own_rdomain_names_it() -> None:
    text = "rdomain 2\ninet 10.0.0.1/32\n!route -T2 add default -iface 10.0.0.1\n"
    assert made(text) == ["-T 2 add 0.0.0.0/0 -link wg0"]


@pytest.mark.parametrize("gateway", ["10.0.0.1", "10.0.0.2", "-iface 10.0.0.1", "-link wg0"])
def test_a_gateway_in_another_table_than_the_interface_is_an_error(gateway: str) -> None:
    word = gateway.split()[-1]
    column = len("!route -T 1 add default ") + gateway.index(word) + 1
    assert said(f"inet 10.0.0.1/24\n!route -T 1 add -inet default {gateway}\n") == [
        f'hostname.wg0:2:{column + 6}: "{word}" is in rdomain 0, and this route in table 1'
    ]


def test_a_gateway_in_another_table_that_is_not_the_interfaces_is_none_of_its_business() -> None:
    text = "rdomain 1\ninet 10.0.0.1/24\n!route add 192.0.2.1 198.51.100.1\n"
    assert made(text) == ["add 192.0.2.1/32 198.51.100.1"]


def test_an_interface_without_an_address_has_no_address_for_iface() -> None:
    assert said("!route add 10.1.0.0/16 -iface 10.0.0.1\n") == [
        'hostname.wg0:1:31: -iface with an address that the interface does not have, "10.0.0.1"'
    ]


def test_a_link_local_gateway_needs_its_link() -> None:
    assert said("!route add fd00:2::/32 fe80::2\n") == [
        'hostname.wg0:1:24: "fe80::2" is an address on a link, but on which one'
    ]


# ---- adding ----


def test_routes_stay_in_file_order() -> None:
    assert made(
        ADDRESSES
        + "!route add 10.2.0.0/16 10.0.0.2\n"
        + "!route -T 3 add -mtu 1280 10.1.0.0/16 192.0.2.1\n"
        + "!route add -blackhole 10.0.0.0/8 127.0.0.1\n"
        + "!route add -reject fd00::/8 ::1\n"
    ) == [
        "add 10.2.0.0/16 10.0.0.2",
        "-T 3 add 10.1.0.0/16 192.0.2.1 -mtu 1280",
        "add 10.0.0.0/8 -blackhole",
        "add fd00::/8 -reject",
    ]


def test_commands_of_one_line_are_taken_one_after_the_other() -> None:
    text = (
        "!route add 10/8 192.0.2.1; route -q delete 10/8 && route add 10/8 192.0.2.2 >/dev/null\n"
    )
    assert made(text.replace("10/8", "10.0.0.0/8")) == ["add 10.0.0.0/8 192.0.2.2"]


def test_a_second_route_with_the_same_key_is_not_added() -> None:
    routes, _ = fold("!route add 10.0.0.0/8 192.0.2.1\n!route add 10.0.0.0/8 192.0.2.2\n")
    assert [str(hop.gateway) for hop in only(routes).next_hops] == ["192.0.2.1"]
    assert said("!route add 10.0.0.0/8 192.0.2.1\n!route add 10.0.0.0/8 192.0.2.2\n") == [
        "hostname.wg0:2:12: warning: a route to 10.0.0.0/8 with priority 8 is there,"
        " from hostname.wg0:1:12: not added"
    ]


@pytest.mark.parametrize("modifier", ["-priority 9", "-T 1"])
def test_a_route_with_another_key_stands_beside(modifier: str) -> None:
    where = f"{modifier} add" if modifier == "-T 1" else f"add {modifier}"
    routes, warnings = fold(
        f"!route add 10.0.0.0/8 192.0.2.1\n!route {where} 10.0.0.0/8 192.0.2.2\n"
    )
    assert warnings == ()
    assert len(routes) == 2


def test_several_gateways_make_one_route() -> None:
    assert made(
        ADDRESSES
        + "!route add -mpath 10.1.0.0/16 10.0.0.2\n"
        + "!route add -mpath 10.1.0.0/16 10.0.0.3\n"
        + "!route add -mpath 10.1.0.0/16 -link eth0\n"
    ) == ["add 10.1.0.0/16 10.0.0.2 10.0.0.3 -link eth0 -mpath"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("-mpath 10.1.0.0/16 10.0.0.2", "-mpath 10.1.0.0/16 10.0.0.2"),
        ("-mpath 10.1.0.0/16 10.0.0.1", "-mpath 10.1.0.0/16 -link wg0"),
        ("-mpath 10.1.0.0/16 10.0.0.2", "10.1.0.0/16 10.0.0.3"),
        ("-blackhole 10.1.0.0/16", "-mpath 10.1.0.0/16 10.0.0.3"),
        ("10.1.0.0/16 10.0.0.3", "-mpath -reject 10.1.0.0/16"),
    ],
)
def test_mpath_adds_only_another_gateway(first: str, second: str) -> None:
    (warning,) = said(f"{ADDRESSES}!route add {first}\n!route add {second}\n")
    assert warning.endswith("not added")


def test_a_multipath_route_has_the_mtu_of_its_first_gateway() -> None:
    text = (
        "!route add -mtu 1280 10.0.0.0/8 192.0.2.1\n"
        "!route add -mpath -mtu 1400 10.0.0.0/8 192.0.2.2\n"
        "!route add -mpath -mtu 1280 10.0.0.0/8 192.0.2.3\n"
    )
    assert only(fold(text)[0]).mtu == 1280
    assert said(text) == [
        "hostname.wg0:2:29: warning: all gateways of a route have one mtu: that of the first counts"
    ]


# ---- changing ----


def test_a_change_replaces_the_gateway() -> None:
    assert made(
        ADDRESSES
        + "!route add -mtu 1280 -priority 3 10.1.0.0/16 10.0.0.2\n"
        + "!route change 10.1.0.0/16 -link eth0\n"
    ) == ["add 10.1.0.0/16 -link eth0 -priority 3 -mtu 1280"]


def test_a_change_replaces_only_what_it_names() -> None:
    text = "!route add 10.0.0.0/8 192.0.2.1\n!route change 10.0.0.0/8 -mtu 1400\n"
    assert made(text) == ["add 10.0.0.0/8 192.0.2.1 -mtu 1400"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("-blackhole 10.0.0.0/8", "add 10.0.0.0/8 -blackhole"),
        ("10.0.0.0/8 192.0.2.9", "add 10.0.0.0/8 192.0.2.9"),
    ],
)
def test_a_change_can_change_the_kind(change: str, expected: str) -> None:
    for first in ("-reject 10.0.0.0/8", "10.0.0.0/8 192.0.2.1"):
        assert made(f"!route add {first}\n!route change {change}\n") == [expected]


def test_a_change_of_nothing_declares_a_route() -> None:
    assert made(ADDRESSES + "!route change default 10.0.0.2\n") == ["add 0.0.0.0/0 10.0.0.2"]
    assert made("!route change -blackhole default\n") == ["add 0.0.0.0/0 -blackhole"]


def test_a_change_of_nothing_without_a_gateway_is_warned_of() -> None:
    assert said("!route change default -mtu 1280\n") == [
        "hostname.wg0:1:15: warning: no route to 0.0.0.0/0 is declared that could be changed"
    ]


BOTH = "!route add -priority 9 10.0.0.0/8 192.0.2.9\n!route add -priority 7 10.0.0.0/8 192.0.2.7\n"


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("delete 10.0.0.0/8", ["192.0.2.9"]),
        ("delete -priority 9 10.0.0.0/8", ["192.0.2.7"]),
        ("delete 10.0.0.0/8 192.0.2.7", ["192.0.2.9"]),
        ("change 10.0.0.0/8 192.0.2.1", ["192.0.2.9", "192.0.2.1"]),
        ("change -priority 9 10.0.0.0/8 192.0.2.1", ["192.0.2.1", "192.0.2.7"]),
    ],
)
def test_the_best_route_is_meant_unless_a_priority_is_named(command: str, left: list[str]) -> None:
    routes, warnings = fold(f"{BOTH}!route {command}\n")
    assert warnings == ()
    assert [str(found.next_hops[0].gateway) for found in routes] == left


# ---- deleting ----


def test_a_delete_takes_back_what_was_declared() -> None:
    assert made("!route add 10.0.0.0/8 192.0.2.1\n!route delete 10.0.0.0/8\n") == []
    assert made("!route add -blackhole default\n!route delete default 127.0.0.1\n") == []


def test_a_delete_takes_one_gateway_of_several() -> None:
    text = (
        "!route add -mpath 10.0.0.0/8 192.0.2.1\n"
        "!route add -mpath 10.0.0.0/8 192.0.2.2\n"
        "!route delete 10.0.0.0/8 192.0.2.1\n"
    )
    assert made(text) == ["add 10.0.0.0/8 192.0.2.2"]
    assert made(text + "!route delete 10.0.0.0/8 192.0.2.2\n") == []


def test_a_delete_of_all_gateways_names_none() -> None:
    text = "!route add -mpath 10.0.0.0/8 192.0.2.1\n!route add -mpath 10.0.0.0/8 192.0.2.2\n"
    assert made(text + "!route delete 10.0.0.0/8\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "!route delete 10.0.0.0/8\n",
        "!route add 10.0.0.0/8 192.0.2.1\n!route delete 10.0.0.0/8 192.0.2.2\n",
        "!route add 10.0.0.0/8 192.0.2.1\n!route delete 10.0.0.0/8 127.0.0.1\n",
        "!route add 10.0.0.0/8 192.0.2.1\n!route -T 1 delete 10.0.0.0/8\n",
        "!route add 10.0.0.0/8 192.0.2.1\n!route delete -priority 9 10.0.0.0/8\n",
        "!route add 10.0.0.0/8 192.0.2.1\n!route delete 10.0.0.0/8\n!route delete 10.0.0.0/8\n",
    ],
)
def test_a_delete_of_what_is_not_declared_is_warned_of(text: str) -> None:
    (warning,) = said(text)
    line = text.count("\n")
    assert warning.startswith(f"hostname.wg0:{line}:")
    assert warning.endswith("no such route to 10.0.0.0/8 is declared: not deleted")


@pytest.mark.parametrize(
    "text",
    [
        "!route delete 10.0.0.0/8\n!route add 10.0.0.0/8 192.0.2.1\n",
        "!route -q delete 10.0.0.0/8 >/dev/null 2>&1; route -q add 10.0.0.0/8 192.0.2.1\n",
        "!route delete 10.0.0.0/8 || true\n!route change 10.0.0.0/8 192.0.2.1\n",
    ],
)
def test_a_delete_before_an_add_of_the_same_destination_is_no_mistake(text: str) -> None:
    assert made(text) == ["add 10.0.0.0/8 192.0.2.1"]


def test_a_delete_in_another_table_does_not_belong_to_an_add() -> None:
    (warning,) = said("!route -T 1 delete 10.0.0.0/8\n!route add 10.0.0.0/8 192.0.2.1\n")
    assert "not deleted" in warning


# ---- priorities ----


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("add 10.1.0.0/16 10.0.0.2", 11),
        ("add 10.1.0.0/16 -link wg0", 11),
        ("add -priority 2 10.1.0.0/16 10.0.0.2", 2),
        ("add 10.1.0.0/16 192.0.2.1", 8),
        ("add 10.1.0.0/16 -link eth0", 8),
        ("add -blackhole 10.1.0.0/16", 8),
    ],
)
def test_the_priority_of_the_interface_is_added_to_the_default_of_its_own_routes(
    command: str, expected: int
) -> None:
    routes, warnings = fold(f"{ADDRESSES}priority 3\n!route {command}\npriority 5\n")
    assert warnings == ()
    assert only(routes).key.priority == expected


def test_a_priority_that_is_named_can_be_the_one_that_another_route_has() -> None:
    text = (
        f"priority 1\n{ADDRESSES}"
        "!route add 10.1.0.0/16 10.0.0.2\n!route add -priority 9 10.1.0.0/16 10.0.0.3\n"
    )
    (warning,) = said(text)
    assert "with priority 9 is there" in warning


# ---- whole files, and parts of them ----


def test_the_lines_of_a_full_tunnel_make_its_routes() -> None:
    text = (
        "inet 10.64.1.2/32\n"
        "!route -q delete -inet default >/dev/null 2>&1; route -q add -inet default -iface"
        " 10.64.1.2\n"
        "!route -qn add -inet 203.0.113.5 -gateway 192.0.2.1\n"
        "!route -q delete -inet -host 10.64.0.1 >/dev/null 2>&1;"
        " route -q add -inet -host 10.64.0.1 -iface 10.64.1.2\n"
    )
    assert made(text) == [
        "add 0.0.0.0/0 -link wg0",
        "add 203.0.113.5/32 192.0.2.1",
        "add 10.64.0.1/32 -link wg0",
    ]


def test_the_lines_of_a_dn42_peering_make_its_routes() -> None:
    text = (
        "rdomain 42\ninet 172.20.0.1/32\ninet6 fe80::1 64\n"
        "!route -n -T 42 add -inet -iface 172.20.0.2 172.20.0.1\n"
        "!route -n -T 42 add -inet6 fe80::2 fe80::1%wg0\n"
    )
    assert made(text) == ["-T 42 add 172.20.0.2/32 -link wg0", "-T 42 add fe80::2/128 -link wg0"]


def test_an_error_leaves_the_other_routes() -> None:
    findings = Findings(SourceText.from_text("x", "!route\n"))
    routes = RouteFold(findings)
    routes.apply(route("route add 10.1.0.0/16 -iface 10.9.9.9"), BARE)
    routes.apply(route("route add 10.2.0.0/16 -link wg0"), BARE)
    found = routes.routes("wg0", BARE)
    assert [str(one.key.destination) for one in found] == ["10.2.0.0/16"]
    assert len(findings.errors) == 1


def test_routes_so_far_say_nothing() -> None:
    findings = Findings(SourceText.from_text("x", "!route\n"))
    routes = RouteFold(findings)
    routes.apply(route("route add 10.1.0.0/16 -iface 10.0.0.1"), BARE)
    routes.apply(route("route delete 10.2.0.0/16"), BARE)
    assert routes.routes_so_far("wg0", BARE) == ()
    assert (findings.errors, findings.warnings) == ((), ())
    (found,) = routes.routes_so_far("wg0", replace(BARE, addresses=(ip_interface("10.0.0.1/24"),)))
    assert found.next_hops == (NextHop(None, "wg0"),)
    assert found.kind is RouteKind.UNICAST
    assert (findings.errors, findings.warnings) == ((), ())


def test_what_is_odd_about_a_word_is_said_once() -> None:
    findings = Findings(SourceText.from_text("x", "!route add 10.1 192.0.2.1\n"))
    routes = RouteFold(findings)
    routes.apply(route("route add 10.1 192.0.2.1"), BARE)
    for _ in range(2):
        routes.routes("wg0", BARE)
    (warning,) = findings.warnings
    assert warning.severity is Severity.WARNING
    assert "has no length: taken for 10.1.0.0/16" in warning.message
