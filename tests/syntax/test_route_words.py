"""Modifiers, gateways and what they say together."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from netstart_wg.model.route import RouteKind
from netstart_wg.syntax.route_modifiers import (
    ARGUMENTS,
    PLAIN,
    REFUSED,
    WITHOUT_EFFECT,
    WITHOUT_MEANING,
)
from netstart_wg.syntax.route_statement import RouteStatement, WrittenGateway
from tests.syntax.route_lines import differences, mistake, route, warnings

PLAIN_ROUTE = route("route add 10.0.0.0/8 192.0.2.1")


def gateway_of(statement: RouteStatement) -> WrittenGateway:
    assert statement.gateway is not None
    return statement.gateway


def said(text: str) -> tuple[str | None, str | None, bool]:
    """Return the gateway's address, the interface, and whether it is direct."""
    statement = route(f"route add {text}")
    address = gateway_of(statement).address
    shown = None if address is None else str(address)
    return shown, statement.interface, gateway_of(statement).is_direct


@pytest.mark.parametrize(
    "text",
    [
        "-inet 10.0.0.0/8 192.0.2.1",
        "10.0.0.0/8 192.0.2.1 -inet",
        "10.0.0.0/8 -gateway 192.0.2.1",
        "-gateway 192.0.2.1 10.0.0.0/8",
        "-dst 10.0.0.0/8 192.0.2.1",
        "-net 10.0.0.0/8 192.0.2.1",
        "10/8 '192.0.2.1'",
        "-static 10.0.0.0/8 -cloning 192.0.2.1 -llinfo -nostatic -nocloning -proto1 -proto2",
        "-hopcount 1 -rtt 0 -rttvar 0 -sendpipe 0 -recvpipe 0 -ssthresh 0 10/8 192.0.2.1 -nobfd",
    ],
)
def test_words_that_say_the_same_make_equal_statements(text: str) -> None:
    statement = route(f"route add {text}")
    assert statement == PLAIN_ROUTE
    assert warnings(statement) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10/8 192.0.2.1", ("192.0.2.1", None, False)),
        ("10/8 -iface 192.0.2.1", ("192.0.2.1", None, True)),
        ("10/8 192.0.2.1 -interface", ("192.0.2.1", None, True)),
        ("10/8 -link wg0", (None, "wg0", True)),
        ("10/8 -link $if", (None, "$if", True)),
        ("-inet 10/8 -link -iface wg0", (None, "wg0", True)),
        ("10/8 -link -gateway eth0.100", (None, "eth0.100", True)),
        ("10/8 -ifp wg0 192.0.2.1", ("192.0.2.1", "wg0", False)),
        ("10/8 192.0.2.1 -ifp wg0 -iface", ("192.0.2.1", "wg0", True)),
        ("10/8 -ifp wg0 -link wg0", (None, "wg0", True)),
        ("10/8 -ifp wg0 0.0.0.1", (None, "wg0", False)),
        ("10/8 0.0.0.1 -ifp wg0", (None, "wg0", False)),
        ("fd00::/8 ::1 -ifp wg0", (None, "wg0", False)),
        ("fd00::/8 fe80::1%wg0", ("fe80::1", "wg0", False)),
        ("-inet6 fd00::/8 fe80::1%$if", ("fe80::1", "$if", False)),
        ("fe80::2%wg0 fe80::1%wg0", ("fe80::1", "wg0", False)),
    ],
)
def test_a_gateway_is_read(text: str, expected: tuple[str | None, str | None, bool]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "difference"),
    [
        ("10/8 -iface wg0", (None, "wg0", True), "NAME_WITHOUT_LINK"),
        ("10/8 -link 192.0.2.1", ("192.0.2.1", None, True), "ADDRESS_AFTER_LINK"),
    ],
)
def test_an_evident_gateway_is_taken_although_openbsd_does_not(
    text: str, expected: tuple[str | None, str | None, bool], difference: str
) -> None:
    assert said(text) == expected
    assert differences(route(f"route add {text}")) == [difference]


@pytest.mark.parametrize(
    ("text", "expected", "about"),
    [
        ("10/8 gateway.example.net", "HOST_AS_GATEWAY", "gateway.example.net"),
        ("10/8 default", "HOST_AS_GATEWAY", "default"),
        ("10/8 192.0.2", "HOST_AS_GATEWAY", "192.0.2"),
        ("10/8 192.0.2.1/24", "HOST_AS_GATEWAY", "192.0.2.1/24"),
        ("10/8 192.0.2.1%wg0", "HOST_AS_GATEWAY", "192.0.2.1%wg0"),
        ("10/8 wg0", "INTERFACE_AS_GATEWAY", "wg0"),
        ("10/8 $if", "INTERFACE_AS_GATEWAY", "$if"),
        ("10/8 127.0.0.1", "NO_HOST_AS_GATEWAY", "127.0.0.1"),
        ("10/8 -iface 0.0.0.1", "NO_HOST_AS_GATEWAY", "0.0.0.1"),
        ("10/8 224.0.0.5", "NO_HOST_AS_GATEWAY", "224.0.0.5"),
        ("fd00::/8 ::1", "NO_HOST_AS_GATEWAY", "::1"),
        ("10/8 -link 1st", "BAD_INTERFACE", "1st"),
        ("10/8 -link averylonginterface0", "BAD_INTERFACE", "averylonginterface0"),
        ("10/8 192.0.2.1 -ifp ''", "BAD_INTERFACE", "''"),
        ("fd00::/8 fe80::1%3", "BAD_SCOPE", "fe80::1%3"),
        ("fd00::/8 fe80::1%", "BAD_SCOPE", "fe80::1%"),
        ("fd00::/8 -ifp wg0 fe80::1%wg1", "OTHER_INTERFACE", "fe80::1%wg1"),
        ("10/8 -ifp wg0 -link wg1", "OTHER_INTERFACE", "wg1"),
        ("10.0.0.0/8 fd00::2", "OTHER_FAMILY", "fd00::2"),
        ("-inet 10.0.0.0/8 fd00::2", "OTHER_FAMILY", "fd00::2"),
        ("-inet6 default 10.0.0.1", "OTHER_FAMILY", "10.0.0.1"),
        ("10.0.0.0/8 -inet6 fd00::2", "OTHER_FAMILY", "fd00::2"),
        ("10.0.0.0/8", "NO_GATEWAY", "add"),
        ("10.0.0.0/8 -ifp wg0", "NO_GATEWAY", "add"),
        ("-inet6", "NO_DESTINATION", "add"),
        ("10/8 192.0.2.1 192.0.2.2", "ONE_TOO_MANY", "192.0.2.2"),
        ("10/8 192.0.2.1 -gateway 192.0.2.2", "ONE_TOO_MANY", "192.0.2.2"),
        ("10/8 192.0.2.1 -dst 11/8", "ONE_TOO_MANY", "11/8"),
        ("10/8 192.0.2.1 255.0.0.0 1", "ONE_TOO_MANY", "1"),
        ("default gw 192.0.2.1", "LINUX_WORD", "gw"),
        ("default via 192.0.2.1 dev wg0", "LINUX_WORD", "via"),
        ("-net 10.0.0.0 netmask 255.0.0.0", "LINUX_WORD", "netmask"),
        ("10/8 192.0.2.1 -priority 0", "OUT_OF_RANGE", "0"),
        ("10/8 192.0.2.1 -priority 64", "OUT_OF_RANGE", "64"),
        ("10/8 192.0.2.1 -priority high", "NOT_A_NUMBER", "high"),
        ("10/8 192.0.2.1 -mtu 65536", "OUT_OF_RANGE", "65536"),
        ("10/8 192.0.2.1 -mtu", "MISSING_ARGUMENT", "-mtu"),
        ("10/8 192.0.2.1 -expire", "MEANINGLESS", "-expire"),
        ("-T 1 default 192.0.2.1", "MISPLACED_OPTION", "-T"),
        ("-nqT1 default 192.0.2.1", "MISPLACED_OPTION", "-nqT1"),
        ("-q default 192.0.2.1", "MISPLACED_OPTION", "-q"),
        ("-inet4 default 192.0.2.1", "MISSPELT_MODIFIER", "-inet4"),
        ("-sticky default 192.0.2.1", "UNKNOWN_MODIFIER", "-sticky"),
        ("- default 192.0.2.1", "UNKNOWN_MODIFIER", "-"),
        ("{{ peer }} 192.0.2.1", "PLACEHOLDER", "{{ peer }}"),
    ],
)
def test_a_mistake_is_said_of_its_word(text: str, expected: str, about: str) -> None:
    assert mistake(f"route add {text}") == (expected, about)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("-blackhole", RouteKind.BLACKHOLE), ("-reject", RouteKind.REJECT)],
)
@pytest.mark.parametrize("gateway", ["", "127.0.0.1", "::1", "localhost", "-ifp lo0"])
def test_a_route_that_drops_packets_needs_no_gateway(
    text: str, kind: RouteKind, gateway: str
) -> None:
    statement = route(f"route add {text} 10.0.0.0/8 {gateway}")
    assert statement.kind is kind
    assert statement.gateway is None
    assert statement.interface is None


@pytest.mark.parametrize(
    ("text", "priority"),
    [("", None), ("-priority 1", 1), ("-priority 63", 63), ("-priority bgp", 48)],
)
def test_a_priority_is_a_number_or_a_name(text: str, priority: int | None) -> None:
    assert route(f"route add 10/8 192.0.2.1 {text}").priority == priority


def test_an_mtu_of_zero_is_none() -> None:
    assert route("route add 10/8 192.0.2.1 -mtu 1280").mtu == 1280
    assert route("route add 10/8 192.0.2.1 -mtu 0").mtu is None


@pytest.mark.parametrize("modifier", ["-label office", "-lock", "-lockrest"])
def test_a_modifier_without_effect_is_warned_of(modifier: str) -> None:
    statement = route(f"route add 10/8 192.0.2.1 {modifier}")
    assert statement == PLAIN_ROUTE
    assert warnings(statement) == ["NO_EFFECT"]


def test_a_change_may_leave_the_gateway_as_it_is() -> None:
    statement = route("route change default -mtu 1280")
    assert statement.gateway is None
    assert statement.destination == ip_network("0.0.0.0/0")
    assert mistake("route change default -ifp wg0") == ("NO_GATEWAY", "change")


def test_a_gateway_keeps_its_place() -> None:
    gateway = gateway_of(route("route add 10/8 192.0.2.1"))
    assert gateway.address == ip_address("192.0.2.1")
    assert (gateway.span.line, gateway.span.column, gateway.span.length) == (1, 16, 9)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_each_modifier_with_an_argument_misses_it(name: str) -> None:
    assert mistake(f"route add 10/8 192.0.2.1 {name}") == ("MISSING_ARGUMENT", name)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_each_refused_modifier_is_refused(name: str) -> None:
    assert mistake(f"route add 10/8 192.0.2.1 {name} 1") == ("MEANINGLESS", name)


@pytest.mark.parametrize(
    "name", sorted((PLAIN | WITHOUT_MEANING | WITHOUT_EFFECT) - set(ARGUMENTS))
)
def test_each_other_modifier_takes_no_argument(name: str) -> None:
    statement = route(
        f"route delete 10.0.0.0/8 {name}" if name != "-host" else f"route delete {name} 10.0.0.1"
    )
    assert statement.gateway is None
