"""Process arguments to statements, and what is said about those that are wrong."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.errors import ConfigError
from netstart_wg.model.address import EndpointName
from netstart_wg.model.source import Span
from netstart_wg.syntax.command_line import parse_words
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.statements import (
    AnyStatement,
    Create,
    Description,
    Group,
    Ifconfig,
    Inet,
    Inet6,
    Mtu,
    Rdomain,
    Up,
    WgEndpoint,
    WgPeer,
)

PEER = "NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="
S = Span(1, 1)
"""Of no concern: statements are equal wherever they stand."""


def statements(*words: str) -> tuple[AnyStatement, ...]:
    (line,) = parse_words(words, "wg0").lines
    assert isinstance(line, Ifconfig)
    return line.statements


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["create", "mtu", "1400", "rdomain", "1"], (Create(S), Mtu(S, 1400), Rdomain(S, 1))),
        (["description", "two  blanks", "up"], (Description(S, "two  blanks"), Up(S))),
        (["description", ""], (Description(S, None),)),
        (["description", 'it\'s $5 "now"\n\\'], (Description(S, 'it\'s $5 "now"\n\\'),)),
        (["group", "#office"], (Group(S, "#office"),)),
        (["inet", "mtu", "1400"], (Mtu(S, 1400),)),
        (
            ["inet", "10.0.0.1", "10.255.255.255"],
            (Inet(S, IPv4Interface("10.0.0.1/8"), False, IPv4Address("10.255.255.255")),),
        ),
    ],
)
def test_words_say(words: list[str], expected: tuple[AnyStatement, ...]) -> None:
    assert statements(*words) == expected


def test_an_address_may_follow_its_own_words() -> None:
    (statement,) = statements("inet6", "alias", "prefixlen", "48", "fd00::1")
    assert isinstance(statement, Inet6)
    assert str(statement.address) == "fd00::1/48"


def test_host_and_port_may_be_one_word() -> None:
    peer, endpoint = statements("wgpeer", PEER, "wgendpoint", "vpn.example.net:7")
    assert isinstance(peer, WgPeer)
    assert endpoint == WgEndpoint(S, EndpointName("vpn.example.net", 7))


def test_services_are_looked_up_by_whoever_can() -> None:
    words = ["wgpeer", PEER, "wgendpoint", "vpn.example.net", "tunnel"]
    (line,) = parse_words(words, "wg0", {"tunnel": 51820}.get).lines
    assert isinstance(line, Ifconfig)
    assert line.statements[1] == WgEndpoint(S, EndpointName("vpn.example.net", 51820))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["mtu", "x y", "up"],
            'ifconfig:1:18: size "x y" is not a decimal number\n'
            '    ifconfig wg0 mtu "x y" up\n'
            "                     ^^^^^\n"
            "    hint: mtu takes 1 to 9000",
        ),
        (
            ["wgkey", "hunter2", "wgport", "1"],
            "ifconfig:1:20: wgkey: a key has 44 base64 characters, not 7\n"
            "    ifconfig wg0 wgkey ******* wgport 1\n"
            "                       ^^^^^^^\n"
            "    hint: 44 characters of base64, as wg genkey or openssl rand -base64 32 print them",
        ),
        (
            ["inet"],
            "ifconfig:1:14: inet lacks an argument\n"
            "    ifconfig wg0 inet\n"
            "                 ^^^^\n"
            "    hint: the form is: inet [alias] ADDRESS/LENGTH",
        ),
        (
            ["inet", "10.0.0.1", "255.255.255.0"],
            'ifconfig:1:28: a netmask without a keyword, "255.255.255.0"\n'
            "    ifconfig wg0 inet 10.0.0.1 255.255.255.0\n"
            "                               ^^^^^^^^^^^^^\n"
            "    hint: write netmask before it",
        ),
        (
            ["dest", "10.0.0.1"],
            'ifconfig:1:14: "dest" in the middle of a line\n'
            "    ifconfig wg0 dest 10.0.0.1\n"
            "                 ^^^^\n"
            "    hint: begin a line of its own with it",
        ),
    ],
)
def test_a_mistake_is_shown_as_it_was_typed(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_words(words, "wg0")
    assert str(caught.value) == said


@given(
    st.lists(st.one_of(st.text(), st.sampled_from([*KEYWORDS, "10.0.0.1", "1", PEER])), min_size=1)
)
def test_no_words_raise_anything_but_config_error(words: list[str]) -> None:
    try:
        said = lower(parse_words(words, "wg0"), "wg0").config.name
    except ConfigError as refusal:
        said = str(refusal)
    assert said
