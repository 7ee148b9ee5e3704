"""What a line for a shell says that may be meant for us."""

from __future__ import annotations

import pytest

from tests.syntax.lowering import warnings


def columns(line: str) -> list[int]:
    """Return where something is odd."""
    return [int(warning.split(":")[1]) for warning in warnings(f"{line}\n")]


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("!exec route add 10.0.0.0/8 192.0.2.1", 7),
        ("!(sleep 10; route add 10.0.0.0/8 192.0.2.1) &", 13),
        ("!if true; then route add 10/8 192.0.2.1; fi", 16),
        ("!while ! route -qn add 10/8 192.0.2.1; do sleep 1; done", 10),
        ("!ping -c 1 192.0.2.1 || { /sbin/route -T 5 delete default; } | cat", 27),
        ("!sh -c 'route add default 192.0.2.1'", 9),
        ('!sh -ec "sleep 1; route change default $GATEWAY"', 19),
        ("!eval 'route add default 192.0.2.1'", 8),
        ("!GATEWAY=192.0.2.1 timeout 5s route add default $GATEWAY", 31),
        ("!route -T 5 exec sh -c 'route add default 192.0.2.1'", 25),
        ("!route -T 5 exec nohup route add default 192.0.2.1", 24),
        ("!exec ifconfig $if up", 7),
        ("!exec ifconfig 'wg0' mtu 1380", 7),
        ("!(sleep 1; ifconfig wg0 wgpka 5)", 12),
        ("!sudo ifconfig $if -debug; :", 7),
    ],
)
def test_a_declaration_within_another_command_is_odd(line: str, at: int) -> None:
    assert columns(line) == [at]


@pytest.mark.parametrize(
    "line",
    [
        "!ip route add 10.0.0.0/8 via 192.0.2.1",
        "!ip -6 route add default dev $if table 5",
        "!if true; then ip route add 10.0.0.0/8 via 192.0.2.1; fi",
        "!sh -c 'ip -n rdomain1 route add default dev wg0'",
        "!echo route add 10.0.0.0/8 192.0.2.1",
        "!logger 'route add 10.0.0.0/8'",
        "!true | my-route add 10.0.0.0/8",
        "!# route add 10.0.0.0/8 192.0.2.1",
        "!traceroute add | cat",
        "!exec route -n show",
        "!exec ifconfig wg0",
        "!exec ifconfig eth0 up",
        "!exec ifconfig wg0 | cat",
        "!wg set $if fwmark 1 # $if.conf",
        "!/usr/local/bin/wg setconf $if /etc/wireguard/$if.conf",
        "!echo '$if'",
    ],
)
def test_what_is_meant_for_a_shell_is_not_odd(line: str) -> None:
    assert columns(line) == []


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("!wg setconf $if /etc/wireguard/${if}.conf", [32]),
        ("!ifconfig ${if} up", [11]),
        ("!ifconfig $iface up", [11]),
        ("!ping $if0 && echo ${if} | cat", [7, 20]),
        ("!ifname=x; echo $ifname", [17]),
    ],
)
def test_what_only_looks_like_the_name_of_the_interface_is_odd(line: str, at: list[int]) -> None:
    assert sorted(columns(line)) == at
