"""`!` lines about the interface itself, and how they are told from those for a shell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netstart_wg.errors import ConfigError
from netstart_wg.model.config import Command
from netstart_wg.model.source import Span
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.route_statement import RouteStatement
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import (
    AnyStatement,
    Description,
    Down,
    HostnameFile,
    Ifconfig,
    Mtu,
    ShellCommand,
    Up,
    WgPeer,
    WgPka,
)
from tests.syntax.lowering import config

KEY = "8FVyT2dO0bXrZ1o9bq3XlZl0m4q3o2c5o0m3x1p9QmE="
PEER = "NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="
S = Span(1, 1)
"""Of no concern: statements are equal wherever they stand."""


def read(text: str, interface: str | None = "wg0") -> HostnameFile:
    return parse(SourceText.from_text("hostname.wg0", text), interface)


def command(line: str, interface: str | None = "wg0") -> ShellCommand:
    (found,) = read(line, interface).lines
    assert isinstance(found, ShellCommand)
    return found


def errors(text: str) -> list[str]:
    """Return what is said, each without the line and the hint."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [
        found.format().split("\n")[0].removeprefix("hostname.wg0:")
        for found in caught.value.diagnostics
    ]


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("!ifconfig wg0 mtu 1380", [[Mtu(S, 1380)]]),
        ("!ifconfig $if up", [[Up(S)]]),
        ("  ! /sbin/ifconfig '$if' up # text", [[Up(S)]]),
        ("!ifconfig wg0 up; ifconfig wg0 mtu 1380 && true", [[Up(S)], [Mtu(S, 1380)]]),
        ("!ifconfig wg0 up >/dev/null 2>&1 || :", [[Up(S)]]),
        ("!ifconfig wg0 description 'the $if of  $iface'", [[Description(S, "the wg0 of wg0ace")]]),
        ("!ifconfig \\\n  wg0 \\\n  up down", [[Up(S), Down(S)]]),
    ],
)
def test_ifconfig_for_the_interface_itself_is_read(
    line: str, calls: list[list[AnyStatement]]
) -> None:
    assert command(line).steps == tuple(Ifconfig(tuple(statements)) for statements in calls)


@pytest.mark.parametrize(
    "line",
    [
        "!ifconfig wg1 up",
        "!ifconfig wg00 up",
        "!ifconfig $iface up",
        "!ifconfig wg0",
        "!ifconfig wg0 | grep mtu",
        "!ifconfig wg0 > /tmp/wg0",
        "!ifconfig",
        "!ifconfig wg1 wgkey $KEY",
        "!/usr/bin/ifconfig wg0 up",
        "!echo ifconfig wg0 up",
        "!echo $(ifconfig wg0 up)",
        "!if true; then ifconfig wg0 up; fi",
        "!# ifconfig wg0 up",
        "!$SUDO ifconfig wg0 up",
        "!logger router; echo ifconfig",
        "!true",
        "!",
    ],
)
def test_anything_else_is_for_a_shell(line: str) -> None:
    assert command(line).steps == ()


def test_without_a_name_every_line_is_for_a_shell() -> None:
    assert command("!ifconfig wg0 mtu x", None).steps == ()


def test_what_a_line_says_to_a_shell_is_kept() -> None:
    assert command("! ifconfig  $if\tup").text == "ifconfig $if up"


def test_no_secret_shows_in_the_representation() -> None:
    assert KEY not in repr(command(f"!ifconfig wg0 wgkey {KEY}"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        # the same mistakes as in a line of the file, at their places
        ("!ifconfig wg0 mtu x", ['1:19: size "x" is not a decimal number']),
        ("!ifconfig $if mtu $if", ['1:19: size "wg0" is not a decimal number']),
        ("up\n!ifconfig \\\n wg0 up \\\n mtu 0", [
            '4:6: size "0" is out of range for mtu (1 to 9000)']),
        ("!ifconfig wg0 up; ifconfig wg0 mtu", ["1:32: mtu lacks an argument"]),
        ("!ifconfig wg0 wgpka 1", [
            "1:15: wgpka without a wgpeer before it on the same line"]),
        (f"!ifconfig wg0 wgkey {KEY}x", ["1:21: wgkey: a key has 44 base64 characters, not 45"]),
        ("!ifconfig wg0 inet 10.0.0.1 255.0.0.0", [
            '1:29: a netmask without a keyword, "255.0.0.0"']),
        ("!ifconfig wg0 inet6", ["1:15: inet6 lacks an argument"]),
        ("!route -T 5 exec route add x 10.0.0.2", [
            '1:28: "x" is neither an address nor a network']),
        ("!route -T 5 exec route", ["1:18: route does nothing here"]),
        ("!route -T 5 exec ifconfig $if mtu x", ['1:35: size "x" is not a decimal number']),
        ("!ifconfig wg0 media auto", [
            '1:15: "media" is about a network card, and there is none below a tunnel']),
        # all that is wrong with a route
        ("!route add default 10.0.0.2 -mtu x -bfd -ifa 1", [
            '1:34: size "x" is not a decimal number',
            '1:36: "-bfd" asks for a watch over the gateway, and there is none here',
            '1:41: "-ifa" chooses the source address of packets']),
        ("!route add -sticky x y z", ['1:12: route knows no "-sticky"']),
        # what takes a shell
        ("!ifconfig wg0 wgkey $(cat /etc/key)", [
            '1:21: "$" takes a shell, and none reads this command']),
        ("!ifconfig wg0 wgkey `cat /etc/key`", [
            '1:21: "`" takes a shell, and none reads this command']),
        ("!ifconfig wg0 up > /tmp/log", ['1:18: ">" takes a shell, and none reads this command']),
        ("!ifconfig $if wgkey <key>", ["1:21: a placeholder that nobody filled in"]),
        ("!ifconfig $if mtu {{ mtu }}", ["1:19: a placeholder that nobody filled in"]),
        ("!ifconfig $if descr 'a", ["1:21: \"'\" takes a shell, and none reads this command"]),
        ("!route add default $GATEWAY", [
            '1:20: "$" takes a shell to read, and no shell reads a route']),
        ("!route add default <gateway>", ["1:20: a placeholder that nobody filled in"]),
        ("!route add 10.0.0.0/8 {{ x }}", ["1:23: a placeholder that nobody filled in"]),
        # all the mistakes of a line
        ("!route add default x; ifconfig wg0 mtu y && route -T 256 add default 192.0.2.1", [
            '1:20: "x" is not an address',
            '1:40: size "y" is not a decimal number',
            '1:54: table "256" is out of range for -T (0 to 255)']),
        # what cannot be told apart
        ("!route add default 192.0.2.1; logger up", ['1:31: "logger" in one line with a route']),
        ("!sleep 1; route add default 192.0.2.1", ['1:2: "sleep" in one line with a route']),
        ("!ifconfig wg0 up; echo up", [
            '1:19: "echo" in one line with a command about the interface itself']),
        ("!sleep 1 && ifconfig wg0 up", [
            '1:2: "sleep" in one line with a command about the interface itself']),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(line: str, said: list[str]) -> None:
    assert errors(line) == said


def test_it_takes_effect_in_its_place_among_the_lines() -> None:
    text = f"mtu 1300\n!ifconfig wg0 mtu 1310 wgkey {KEY}\nup\n!ifconfig $if down\n"
    found = config(text)
    assert (found.mtu, found.is_up, found.commands) == (1310, False, ())
    assert found.wireguard.private_key is not None


def test_a_warning_about_it_has_its_place() -> None:
    text = f"wgpeer {PEER} wgaip 10.0.0.1\n!ifconfig wg0 wgpeer {KEY} wgaip 10.0.0.1\n"
    (warning,) = lower(read(text), "wg0").warnings
    assert warning.span == Span(2, 67, 14)
    assert warning.message == "10.0.0.1/32 moves here from the peer at hostname.wg0:1:53"


def test_peer_words_follow_their_peer() -> None:
    (step,) = command(f"!ifconfig wg0 wgpeer {PEER} wgpka 25").steps
    assert isinstance(step, Ifconfig)
    assert [type(statement) for statement in step.statements] == [WgPeer, WgPka]


def test_keys_are_hidden_in_messages() -> None:
    with pytest.raises(ConfigError) as caught:
        read(f"!ifconfig wg0 wgkey {KEY} mtu x\n")
    assert KEY not in str(caught.value)


def test_a_command_of_another_interface_is_run() -> None:
    text = "!ifconfig wg1 mtu 1380\n"
    assert config(text).commands == (Command("ifconfig wg1 mtu 1380"),)


# ---- routes ----


def test_the_commands_of_a_line_follow_each_other() -> None:
    steps = command("!route add default 192.0.2.1 && ifconfig $if up; route delete default").steps
    assert [type(step) for step in steps] == [RouteStatement, Ifconfig, RouteStatement]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("!route -T 3 exec ping  -c 1 $if", Command("ping -c 1 wg0", 3)),
        ("!route -T 3 exec ping >/dev/null 2>&1 # text", Command("ping >/dev/null 2>&1 # text", 3)),
        ("!route -T 3 exec ping 2>&1 || true", Command("ping", 3)),
        ("!/sbin/route exec sh -c 'a; b'", Command("sh -c 'a; b'")),
    ],
)
def test_a_command_may_run_in_another_rdomain(line: str, expected: Command) -> None:
    assert config(line).commands == (expected,)


@pytest.mark.parametrize(
    ("line", "rdomain"),
    [
        ("!route -T 5 exec route add 10.1.0.0/16 192.0.2.1", 5),
        ("!route -T 5 exec /sbin/route -n -T 6 add 10.1/16 192.0.2.1", 6),
        ("!route exec route -T5 exec route add 10.1.0.0/16 192.0.2.1 >/dev/null", 5),
    ],
)
def test_a_route_that_an_rdomain_is_to_run_is_declared_there(line: str, rdomain: int) -> None:
    found = config(line)
    assert found.commands == ()
    (route,) = found.routes
    assert (route.key.rdomain, str(route.key.destination)) == (rdomain, "10.1.0.0/16")


def test_ifconfig_of_the_interface_that_an_rdomain_is_to_run_is_a_line_like_any() -> None:
    found = config("!route -T 5 exec ifconfig $if mtu 1380; route -T 5 exec ifconfig wg0 up\n")
    assert (found.mtu, found.is_up, found.rdomain, found.commands) == (1380, True, 0, ())


def test_routes_are_declared_in_their_place_among_the_lines() -> None:
    text = (
        "!echo\ninet 10.0.0.1/24\n!route add 10.1.0.0/16 10.0.0.2\n!echo\npriority 5\n"
        "!route add 10.2.0.0/16 10.0.0.2\n"
    )
    found = config(text)
    assert [str(route.key.destination) for route in found.routes] == ["10.1.0.0/16", "10.2.0.0/16"]
    assert [route.key.priority for route in found.routes] == [8, 13]
    states = [command.before for command in found.commands]
    assert [len(state.routes) for state in states if state is not None] == [0, 1]


def test_what_is_wrong_with_the_routes_together_is_an_error_said_once() -> None:
    text = "inet 10.0.0.1/24\n!route add 10.1.0.0/16 -iface 10.9.9.9\n!echo\nup\n"
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert len(caught.value.diagnostics) == 1


def test_routes_of_before_stay() -> None:
    running = replace(config("10.0.0.1/24\n!route add 10.1.0.0/16 10.0.0.2\n"), commands=())
    assert config("mtu 1400", running).routes == running.routes
    assert config("rdomain 1", running).routes == ()
    assert config("destroy", running).routes == ()


def test_routes_that_do_not_leave_through_the_interface_stay_when_it_moves() -> None:
    running = config("!route add 10.1.0.0/16 192.0.2.1\n")
    assert config("rdomain 1", running).routes == running.routes


def test_a_route_makes_no_interface() -> None:
    text = "destroy\n!route add 10.1.0.0/16 192.0.2.1\n"
    assert not config(text).exists
