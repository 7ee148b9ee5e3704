"""Files to statements, and what is said about files that are wrong."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_network,
)

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.errors import ConfigError
from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.source import Severity, Span
from netstart_wg.syntax.keywords import FOREIGN, KEYWORDS, Keyword
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.refused import REFUSED
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import (
    AnyStatement,
    Blank,
    Comment,
    Create,
    Debug,
    Description,
    Destroy,
    Down,
    Group,
    HostnameFile,
    Ifconfig,
    Inet,
    Inet6,
    Mtu,
    Priority,
    Rdomain,
    RemoveAllPeers,
    RemoveFamily,
    RemoveGroup,
    RemoveInet,
    RemoveInet6,
    RemovePeer,
    ShellCommand,
    Up,
    WgAip,
    WgDescr,
    WgEndpoint,
    WgKey,
    WgPeer,
    WgPka,
    WgPort,
    WgPsk,
    WgRtable,
)

KEY = "8FVyT2dO0bXrZ1o9bq3XlZl0m4q3o2c5o0m3x1p9QmE="
PEER = "NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="
PSK = "hupEInBFHCZ8Y9Tx8+BF1fFfTWWeDfd47h/bEPrXM10="
S = Span(1, 1)
"""Of no concern: statements are equal wherever they stand."""


def read(text: str) -> HostnameFile:
    return parse(SourceText.from_text("hostname.wg0", text))


def statements(line: str) -> list[AnyStatement]:
    (found,) = read(line).lines
    assert isinstance(found, Ifconfig)
    return list(found.statements)


def errors(text: str) -> list[str]:
    """Return what is said, each without the line and the hint."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert all(found.severity is Severity.ERROR for found in caught.value.diagnostics)
    return [
        found.format().split("\n")[0].removeprefix("hostname.wg0:")
        for found in caught.value.diagnostics
    ]


# ---- statements ----


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"wgkey {KEY}", [WgKey(S, PrivateKey.from_base64(KEY))]),
        ("wgport 0", [WgPort(S, 0)]),
        ("wgport 65535", [WgPort(S, 65535)]),
        (f"wgpeer {PEER}", [WgPeer(S, PublicKey.from_base64(PEER))]),
        (f"-wgpeer '{PEER}'", [RemovePeer(S, PublicKey.from_base64(PEER))]),
        ("-wgpeerall", [RemoveAllPeers(S)]),
        ("mtu 1", [Mtu(S, 1)]),
        ("mtu 9000", [Mtu(S, 9000)]),
        ("up down up", [Up(S), Down(S), Up(S)]),
        ("description up", [Description(S, "up")]),
        ("descr 'up  and # down'", [Description(S, "up and # down")]),
        ('descr ""', [Description(S, None)]),
        ("-descr -description", [Description(S, None), Description(S, None)]),
        ("inet 10.0.0.1/24", [Inet(S, IPv4Interface("10.0.0.1/24"))]),
        ("inet 10.0.0.1", [Inet(S, IPv4Interface("10.0.0.1/8"))]),
        ("inet alias 10.0.0.1", [Inet(S, IPv4Interface("10.0.0.1/8"), True)]),
        ("inet 10.0.0.1 255.255.0.0", [Inet(S, IPv4Interface("10.0.0.1/16"))]),
        ("inet 10.0.0.1 0xffff0000 NONE", [Inet(S, IPv4Interface("10.0.0.1/16"))]),
        ("inet 10.0.0.1/24 NONE", [Inet(S, IPv4Interface("10.0.0.1/24"))]),
        (
            "inet alias 10.0.0.1 255.255.255.0 10.0.0.255 up # text",
            [Inet(S, IPv4Interface("10.0.0.1/24"), True, IPv4Address("10.0.0.255")), Up(S)],
        ),
        ("inet 10.0.0.1/24 mtu 1400", [Inet(S, IPv4Interface("10.0.0.1/24")), Mtu(S, 1400)]),
        ("10.0.0.1/24 up", [Inet(S, IPv4Interface("10.0.0.1/24")), Up(S)]),
        ("mtu 1400 10.0.0.1/24", [Mtu(S, 1400), Inet(S, IPv4Interface("10.0.0.1/24"))]),
        ("10.0.0.2/24 alias", [Inet(S, IPv4Interface("10.0.0.2/24"), True)]),
        ("alias 10.0.0.2", [Inet(S, IPv4Interface("10.0.0.2/8"), True)]),
        ("inet alias alias 10.0.0.1", [Inet(S, IPv4Interface("10.0.0.1/8"), True)]),
        (
            "inet 10.0.0.1 netmask 0xffffff00 broadcast 10.0.0.255",
            [Inet(S, IPv4Interface("10.0.0.1/24"), False, IPv4Address("10.0.0.255"))],
        ),
        (
            "up netmask 255.255.0.0 mtu 1400 10.0.0.1 down",
            [Up(S), Inet(S, IPv4Interface("10.0.0.1/16")), Mtu(S, 1400), Down(S)],
        ),
        (
            "10.0.0.1/24 10.0.0.255",
            [Inet(S, IPv4Interface("10.0.0.1/24"), False, IPv4Address("10.0.0.255"))],
        ),
        (
            "inet 10.0.0.1/24 NONE 10.0.0.255",
            [Inet(S, IPv4Interface("10.0.0.1/24"), False, IPv4Address("10.0.0.255"))],
        ),
        ("inet 10.0.0.1 prefixlen 30", [Inet(S, IPv4Interface("10.0.0.1/30"))]),
        ("10.0.0.1 netmask 255.0.0.0 prefixlen 30", [Inet(S, IPv4Interface("10.0.0.1/30"))]),
        ("inet6 prefixlen 48 fd00::1 alias", [Inet6(S, IPv6Interface("fd00::1/48"), True)]),
        ("10.0.0.1 delete", [RemoveInet(S, IPv4Address("10.0.0.1"))]),
        ("inet -alias 10.0.0.1/24", [RemoveInet(S, IPv4Address("10.0.0.1"))]),
        ("inet 10.0.0.1 alias delete", [RemoveInet(S, IPv4Address("10.0.0.1"))]),
        ("delete mtu 1400", [RemoveInet(S, None), Mtu(S, 1400)]),
        ("inet -alias", [RemoveInet(S, None)]),
        ("inet6 fd00::1 delete", [RemoveInet6(S, IPv6Address("fd00::1"))]),
        ("inet6 delete", [RemoveInet6(S, None)]),
        ("-inet -inet6", [RemoveFamily(S, 4), RemoveFamily(S, 6)]),
        ("rdomain 255 -rdomain", [Rdomain(S, 255), Rdomain(S, 0)]),
        ("group office -group a-b.c", [Group(S, "office"), RemoveGroup(S, "a-b.c")]),
        ("debug -debug", [Debug(S, is_on=True), Debug(S, is_on=False)]),
        ("create destroy", [Create(S), Destroy(S)]),
        ("priority 15", [Priority(S, 15)]),
        ("wgrtable 0", [WgRtable(S, 0)]),
        ("inet6 fd00::1", [Inet6(S, IPv6Interface("fd00::1/64"))]),
        ("inet6 fd00::1/48", [Inet6(S, IPv6Interface("fd00::1/48"))]),
        ("inet6 fd00::1 128", [Inet6(S, IPv6Interface("fd00::1/128"))]),
        ("inet6 alias fd00::1 48 up", [Inet6(S, IPv6Interface("fd00::1/48"), True), Up(S)]),
        (
            f"wgkey {KEY} wgpeer {PEER} wgport 1 wgpsk {PSK} wgendpoint fd00::1 5 wgpka 0",
            [
                WgKey(S, PrivateKey.from_base64(KEY)),
                WgPeer(S, PublicKey.from_base64(PEER)),
                WgPort(S, 1),
                WgPsk(S, PresharedKey.from_base64(PSK)),
                WgEndpoint(S, Endpoint(ip_address("fd00::1"), 5)),
                WgPka(S, 0),
            ],
        ),
        (
            f"wgpeer {PEER} -wgpsk wgaip 10/8 wgdescr a wgdescription b -wgdescr -wgdescription",
            [
                WgPeer(S, PublicKey.from_base64(PEER)),
                WgPsk(S, None),
                WgAip(S, ip_network("10.0.0.0/8")),
                WgDescr(S, "a"),
                WgDescr(S, "b"),
                WgDescr(S, None),
                WgDescr(S, None),
            ],
        ),
        (
            f"wgpeer {PEER} wgendpoint vpn.example.net:51820 wgaip 10/8 wgendpoint '[fd00::1]:7'",
            [
                WgPeer(S, PublicKey.from_base64(PEER)),
                WgEndpoint(S, EndpointName("vpn.example.net", 51820)),
                WgAip(S, ip_network("10.0.0.0/8")),
                WgEndpoint(S, Endpoint(ip_address("fd00::1"), 7)),
            ],
        ),
        (
            f"-wgpeer {PEER} wgendpoint up 1",
            [
                RemovePeer(S, PublicKey.from_base64(PEER)),
                WgEndpoint(S, EndpointName("up", 1)),
            ],
        ),
    ],
)
def test_a_line_says(line: str, expected: list[AnyStatement]) -> None:
    assert statements(line) == expected


def test_all_lines_are_kept_in_order() -> None:
    text = "# head\n\n  ! echo  $if\t'a  b' # c\nup \\\n  down # why\n\t\n#tail \\\n more"
    assert read(text).lines == (
        Comment("# head"),
        Blank(),
        ShellCommand("echo $if 'a b' # c"),
        Ifconfig((Up(S), Down(S)), "# why"),
        Blank(),
        Comment("#tail  more"),
    )


def test_a_statement_knows_its_place() -> None:
    (line,) = read(f"  wgpeer {PEER} \\\n\twgaip 10.0.0.0/8 wgaip \\\n11.0.0.0/8\n").lines
    assert isinstance(line, Ifconfig)
    spans = [statement.span for statement in line.statements]
    assert spans == [Span(1, 3, 51), Span(2, 2, 16), Span(2, 19, 6)]


def test_no_secret_shows_in_the_representation_of_a_file() -> None:
    text = f"wgkey {KEY}\n# wgkey {KEY}\nup # {PSK}\nwgpeer {PEER} wgpsk {PSK}\n! wg {PSK}\n"
    shown = repr(read(text))
    assert KEY not in shown
    assert PSK not in shown


def test_files_are_equal_if_they_say_the_same() -> None:
    assert read("up\nmtu 1400\n") == read("  up\nmtu\\\n 1400")
    assert read("up\nmtu 1400\n") != read("up\nmtu 1401\n")


# ---- mistakes ----


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # the message is about the word
        ("  wgport 70000", ['1:10: port "70000" is out of range for wgport (0 to 65535)']),
        ("inet 10.0.0.1/33", ['1:15: prefix length "33" is out of range for inet (0 to 32)']),
        ("inet6 fd00::1/129", ['1:15: prefix length "129" is out of range for inet6 (1 to 128)']),
        ("inet6 fd00::1 0", ['1:15: prefix length "0" is out of range for inet6 (1 to 128)']),
        ("mtu 0", ['1:5: size "0" is out of range for mtu (1 to 9000)']),
        ("mtu '9 0'", ['1:5: size "9 0" is not a decimal number']),
        ("up \\\n mtu x", ['2:6: size "x" is not a decimal number']),
        ("up \\\n mtu \\\n\\\n\tx", ['4:2: size "x" is not a decimal number']),
        (f"wgpeer {PEER} wgpka 43201", [
            '1:59: interval "43201" is out of range for wgpka (0 to 43200)']),
        (f"wgpeer {PEER} wgaip 10/33", [
            '1:62: prefix length "33" is out of range for IPv4 (0 to 32)']),
        ("wgport \x1b[31m", ['1:8: the character U+001B cannot stand outside quotes']),
        ("wgport '\x1b[31m'", ['1:8: port "\ufffd[31m" is not a decimal number']),
        ("wgport " + "x" * 39 + "." + "y" * 39, [
            '1:8: port "' + "x" * 39 + "." + "y" * 17 + '..." is not a decimal number']),
        # keys are not shown
        ("wgkey 'a b'", ["1:7: wgkey: a key has 44 base64 characters, not 3"]),
        (f"wgkye {KEY}", ['1:1: unknown keyword "wgkye"']),
        (f"up {KEY}", ['1:4: unexpected "' + "*" * 44 + '" after up']),
        (f"wgport {KEY}", ['1:8: port "' + "*" * 44 + '" is not a decimal number']),
        # words that should have been something else
        ("WGPORT 1", ['1:1: unknown keyword "WGPORT"']),
        ("PrivateKey = x", ['1:1: unknown keyword "PrivateKey"']),
        ("inet alais 10.0.0.1", ['1:6: unknown keyword "alais"']),
        ("inet 10.0.0.1/24 mut 1400", ['1:18: unknown keyword "mut"']),
        ("inet autoconf", [
            '1:6: "autoconf" waits for an address from somebody, and in a tunnel nobody gives any'
        ]),
        ("inet inet 10.0.0.1", ['1:6: "inet" in the middle of a line']),
        ("fd00::1/64", ['1:1: "fd00::1" is not for inet']),
        ("10.0.0.1/24 11.0.0.1/24", ['1:13: one address too many, "11.0.0.1/24"']),
        ("10.0.0.1/24 fd00::1", ['1:13: "fd00::1" is not an IPv4 address']),
        ("10.0.0.1/24 10.0.0.2 10.0.0.3", ['1:22: one address too many, "10.0.0.3"']),
        ("inet6 fd00::1/64 up fd00::2", ['1:21: one address too many, "fd00::2"']),
        ("10.0.0.1 24", ['1:10: a prefix length without a keyword, "24"']),
        ("10.0.0.1/24 mtu 1400 255", ['1:22: a prefix length without a keyword, "255"']),
        ("10.0.0.1 0xffffff00", ['1:10: a netmask without a keyword, "0xffffff00"']),
        ("inet netmask 24", ['1:14: "24" is not a netmask']),
        ("inet 10.0.0.1 broadcast any", ['1:25: "any" is not a broadcast address']),
        ("inet 10.0.0.1 prefixlen 33", [
            '1:25: prefix length "33" is out of range for inet (0 to 32)']),
        ("inet6 fd00::1 broadcast fd00::2", ['1:15: broadcast is not for inet6']),
        ("inet broadcast 10.0.0.255", ["1:6: broadcast without an address on its line"]),
        ("netmask 255.0.0.0 delete", ["1:1: netmask without an address on its line"]),
        ("inet NONE", ['1:6: "NONE" is not an IPv4 address']),
        ("inet 10.0.0.1 NONE", ['1:15: "NONE" is not a netmask']),
        ("dest 10.0.0.1/24", ['1:6: "10.0.0.1/24" is not an IPv4 address']),
        ("inet6 fd00::1\ndest 10.0.0.1", [
            "2:1: dest without an IPv4 address in the line before"]),
        ("inet 10.0.0.1/24\n!true\ndest 10.0.0.1", [
            "3:1: dest without an IPv4 address in the line before"]),
        ("inet 10.0.0/24\ndest 10.0.0.1", ['1:6: "10.0.0" is not an IPv4 address']),
        ("rdomain 256", ['1:9: number "256" is out of range for rdomain (0 to 255)']),
        ("wgrtable -1", ['1:10: number "-1" is out of range for wgrtable (0 to 255)']),
        ("priority 16", ['1:10: number "16" is out of range for priority (0 to 15)']),
        ("llprio 8", ['1:8: number "8" is out of range for llprio (0 to 7)']),
        ("metric 2147483648", [
            '1:8: number "2147483648" is out of range for metric (0 to 2147483647)']),
        ("mtu 1400 1500", ['1:10: unexpected "1500" after mtu']),
        # missing arguments
        ("wgkey", ["1:1: wgkey lacks an argument"]),
        ("inet", ["1:1: inet lacks an address"]),
        ("inet alias", ["1:6: alias without an address on its line"]),
        ("inet up", ["1:1: inet lacks an address"]),
        ("inet6", ["1:1: inet6 lacks an address"]),
        ("mtu # text", ["1:1: mtu lacks an argument: what follows # is a comment"]),
        (f"wgpeer {PEER} wgdescr #laptop", [
            "1:53: wgdescr lacks an argument: what follows # is a comment"]),
        ("up wgport down mtu x", ["1:4: wgport lacks an argument"]),
        ("wgport media 1", ["1:1: wgport lacks an argument"]),
        ("inet 10.0.0.1 netmask up", ["1:15: netmask lacks an argument"]),
        ("dest", ["1:1: dest lacks an argument"]),
        (f"wgpeer {PEER} wgendpoint [::1] 7", ['1:64: "[::1]" is in brackets']),
        (f"wgpeer {PEER} wgendpoint a:70000", [
            '1:66: port "70000" is out of range for wgendpoint (1 to 65535)']),
        (f"wgpeer {PEER} wgendpoint a:1 2", ['1:68: unexpected "2" after wgendpoint']),
        (f"wgpeer {PEER} wgendpoint", ["1:53: wgendpoint lacks an argument"]),
        # quoting
        ("description 'a", ["1:13: this quote is not closed on its line"]),
        ('description "a$b"', [
            '1:15: "$" would be expanded by a shell, but no shell reads this line']),
        ("description `a`", [
            '1:13: "`" would be expanded by a shell, but no shell reads this line']),
        ("up; down", ['1:3: ";" is for a shell, but no shell reads this line']),
        ("up\\  ", ["1:3: a backslash with blanks behind it does not continue the line"]),
        # independent mistakes, one line after the other
        ("mtu x\nup\nwgport x\n", ['1:5: size "x" is not a decimal number',
                                   '3:8: port "x" is not a decimal number']),
        ("mtu x wgport x", ['1:5: size "x" is not a decimal number',
                            '1:14: port "x" is not a decimal number']),
        ("frob 1 2 mtu x", ['1:1: unknown keyword "frob"',
                            '1:14: size "x" is not a decimal number']),
        ("frob 1 mtu 1400 1500", ['1:1: unknown keyword "frob"',
                                  '1:17: unexpected "1500" after mtu']),
        # templates
        ("inet {{ address }} up", ["1:6: a placeholder that nobody filled in"]),
        ("{% if x | default(1) %}", ["1:1: a placeholder that nobody filled in"]),
        ("wgkey <my key>", ["1:7: a placeholder that nobody filled in"]),
        ("inet { {{ x", ['1:6: "{" is not an IPv4 address']),
        ("wgpeer <key> wgendpoint <ip> <port> # <text>", [
            "1:8: a placeholder that nobody filled in",
            "1:25: a placeholder that nobody filled in",
            "1:30: a placeholder that nobody filled in"]),
        ("mtu 1400;", [
            '1:9: ";" at the end of a line is for a shell, but no shell reads this line']),
        ("up & # on", ['1:4: "&" is for a shell, but no shell reads this line']),
        # networks without wgaip
        (f"wgpeer {PEER} fd00::2/128", ['1:53: "fd00::2/128" without a wgaip of its own']),
        (f"wgpeer {PEER} wgendpoint a 1 fd00::/64", [
            '1:68: "fd00::/64" without a wgaip of its own']),
        # words that others have, or the other way round
        ("inet6 -soii", ['1:7: "-soii" is so anyway: there is nothing of the kind in a tunnel']),
        ("-up", ['1:1: "-up" does not exist']),
        ("-mtu", ['1:1: "-mtu" does not exist']),
        ("inet wg0-int 255.255.255.0", ['1:6: "wg0-int" is not an IPv4 address']),
        ("inet alais 10.0.0.1/24", ['1:6: unknown keyword "alais"']),
        (f"wgpeer {PEER} wgendpoint a:domain wgaip 10.0.0.0/8", [
            '1:64: "a:domain" is neither an address nor the name of a host']),
        ("up <down", ['1:4: "<" is for a shell, but no shell reads this line']),
        # consequences of a mistake are not mentioned
        (f"wgpaer {PEER} wgaip 10.0.0.0/8 wgpka 1", ['1:1: unknown keyword "wgpaer"']),
        ("wgpeer x wgaip 10.0.0.0/8", ["1:8: wgpeer: a key has 44 base64 characters, not 1"]),
        (f"wgpeer {PEER} wgendpoint a wgaip 10.0.0.0/8", [
            "1:53: wgendpoint lacks an argument"]),
        ("wgaip 10.0.0.0/8 wgpka 1 wgdescr a", [
            "1:1: wgaip without a wgpeer before it on the same line"]),
        (f"wgpeer {PEER} \\ \n wgaip 10.0.0.0/8\nmtu x\n", [
            "1:53: a backslash with blanks behind it does not continue the line",
            '3:5: size "x" is not a decimal number']),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(text: str, said: list[str]) -> None:
    assert errors(text) == said


@pytest.mark.parametrize(
    ("word", "meant"),
    [("wgapi", "wgaip"), ("wgpkey", "wgkey"), ("wgpears", "wgpeer"), ("wgalowedip", "wgaip"),
     ("endpoint", "wgendpoint"), ("AllowedIPs", "wgaip"), ("ListenPort", "wgport"), ("UP", "up"),
     ("discription", "description"), ("-wgpeeral", "-wgpeerall")],
)  # fmt: skip
def test_the_nearest_keyword_is_the_hint(word: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(f"{word} 1\n")
    assert caught.value.diagnostics[0].hint == f"did you mean {meant}?"


@pytest.mark.parametrize("word", sorted(REFUSED))
def test_a_word_that_means_nothing_is_not_called_unknown(word: str) -> None:
    assert errors(f"{word} 1\n") == [f'1:1: "{word}" {REFUSED[word].reason}']


@pytest.mark.parametrize("word", sorted(FOREIGN))
def test_a_word_of_wg_quick_is_translated(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(f"{word} = 1\n")
    assert caught.value.diagnostics[0].hint == f"did you mean {FOREIGN[word]}?"


@pytest.mark.parametrize("keyword", [k for k in KEYWORDS.values() if k.arguments])
def test_every_keyword_with_arguments_asks_for_them(keyword: Keyword) -> None:
    what = "address" if keyword.name in ("inet", "inet6") else "argument"
    said = errors(f"{keyword.name}\n")
    assert said[0].endswith(f"{keyword.name} lacks an {what}")


def test_a_long_line_is_shown_in_part() -> None:
    with pytest.raises(ConfigError) as caught:
        read("wgport 'a" + "b" * 2000 + "'\n" + "up " * 400 + "mtu x\n")
    first, second = caught.value.diagnostics
    assert first.line_text is not None
    assert len(first.line_text) == 1000
    assert len(first.format().split("\n")[2]) == 1000 + 4
    assert second.line_text is None
    assert second.span == Span(2, 1205, 1)


def test_nothing_of_a_very_long_line_is_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        read("wgport hunter2 # " + "x" * (1 << 20))
    assert str(caught.value).split("\n") == [
        'hostname.wg0:1:8: port "..." is not a decimal number',
        "    hint: wgport takes 0 to 65535",
    ]


def test_the_line_that_is_shown_is_the_physical_one() -> None:
    with pytest.raises(ConfigError) as caught:
        read("up \\\n\tmtu x \\\n down\n")
    assert caught.value.diagnostics[0].line_text == "\tmtu x \\"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("inet 10.0.0.1/24\ndest 10.0.0.255", []),
        ("inet 10.0.0.1/24\n\n# text\ndest 10.0.0.255", []),
        ("inet 10.0.0.1/24\ndest 10.0.0.2", [Span(2, 1, 13)]),
        ("10.0.0.1/24 10.0.0.255", []),
        ("10.0.0.1/24 10.0.0.2", [Span(1, 13, 8)]),
        ("inet 10.0.0.1/24 up 10.0.0.2", [Span(1, 21, 8)]),
        ("10.0.0.1/24 broadcast 10.0.0.2", [Span(1, 23, 8)]),
    ],
)
def test_a_destination_is_odd_unless_it_is_the_broadcast_address(
    text: str, places: list[Span]
) -> None:
    assert [warning.span for warning in read(text).warnings] == places


@pytest.mark.parametrize("text", ["inet 10.0.0.300/24\ndest 10.0.0.2", "mtu x\ndest 10.0.0.2"])
def test_of_a_dest_after_a_mistake_nothing_is_said(text: str) -> None:
    assert len(errors(text)) == 1


@pytest.mark.parametrize(
    "message", [Message.HOST_BITS, Message.TEXT_CUT, Message.ZERO_LENGTH], ids=lambda m: m.name
)
def test_warnings_do_not_stop_a_file(message: Message) -> None:
    (warning,) = read(message.value.trigger or "").warnings
    assert warning.severity is Severity.WARNING


# ---- anything at all ----

LINES = st.lists(
    st.lists(
        st.one_of(
            st.sampled_from([*sorted(KEYWORDS), *sorted(REFUSED)]),
            st.sampled_from([KEY, PEER, "10.0.0.1/24", "fd00::1", "255.255.255.0", "NONE", "1"]),
            st.text(max_size=6),
        ),
        max_size=8,
    ).map(" ".join),
    max_size=6,
)


def assert_read_or_refused(text: str) -> None:
    try:
        lowered = lower(read(text), "wg0")
    except ConfigError as refusal:
        said = str(refusal)
    else:
        said = lowered.config.name
    assert said


@given(st.one_of(st.text(), LINES.map("\n".join), LINES.map(" \\\n".join)))
def test_no_text_raises_anything_but_config_error(text: str) -> None:
    assert_read_or_refused(text)


@given(st.text(st.sampled_from("wgpeer'\"\\ \n\t#!$<")))
def test_no_quoting_raises_anything_but_config_error(text: str) -> None:
    assert_read_or_refused(text)


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ("10.0.0.2/32", "10.0.0.2/32"),
        ("10.0.0.0/24", "10.0.0.0/24"),
        ("wgaip 10.0.0.2/32 10.0.0.3/32", "10.0.0.3/32"),
        ("wgendpoint 192.0.2.1 51820 10.0.0.2/32", "10.0.0.2/32"),
        ("wgpka 25 10.0.0.2/32", "10.0.0.2/32"),
    ],
)
def test_a_network_behind_peer_words_becomes_the_interfaces_address(words: str, word: str) -> None:
    (warning,) = read(f"wgpeer {PEER} {words}\n").warnings
    assert warning.message == f'"{word}" becomes the address of the interface'


@pytest.mark.parametrize(
    "line",
    [
        f"wgpeer {PEER} wgaip 10.0.0.2/32 10.0.0.1/24",
        f"10.0.0.1/32 wgpeer {PEER} wgaip 10.0.0.2/32",
        f"wgpeer {PEER} wgaip 10.0.0.2/32 mtu 1400 10.0.0.1/32",
        "wgport 7777 10.0.0.1/32",
    ],
)
def test_an_address_that_is_meant_as_one_is_not_odd(line: str) -> None:
    assert read(f"{line}\n").warnings == ()


def test_a_keyword_that_is_taken_for_a_text_is_odd() -> None:
    first, second = read(f"wgpeer {PEER} wgdescr wgaip 10.0.0.2/32\n").warnings
    assert first.message == 'wgdescr takes the keyword "wgaip" for its text'
    assert second.message == '"10.0.0.2/32" becomes the address of the interface'
    assert read("description 'up'\n").warnings == ()


@pytest.mark.parametrize(
    ("network", "meant"), [("0xa/8", "160.0.0.0/8"), ("0x0a1/16", "10.16.0.0/16")]
)
def test_half_an_octet_is_odd(network: str, meant: str) -> None:
    (warning,) = read(f"wgpeer {PEER} wgaip {network}\n").warnings
    assert warning.message.endswith(f"it means {meant}")
