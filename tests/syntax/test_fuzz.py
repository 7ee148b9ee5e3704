"""No text at all makes the language fail in a way of its own, or tell a key.

Whatever is read is either understood, by everything that looks at a file, or
refused with a ConfigError; and nothing that is said about it has a key in it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from netstart_wg.errors import ConfigError
from netstart_wg.model.source import Diagnostic
from netstart_wg.syntax.check import check
from netstart_wg.syntax.command_line import parse_words
from netstart_wg.syntax.format import format_file
from netstart_wg.syntax.keywords import FOREIGN, KEYWORDS
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.openbsd import differences
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.refused import REFUSED
from netstart_wg.syntax.route_modifiers import ACTIONS_REFUSED, ARGUMENTS, PLAIN
from netstart_wg.syntax.route_modifiers import REFUSED as REFUSED_MODIFIERS
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import HostnameFile
from tests.syntax.commands import ZERO_KEY
from tests.syntax.spelling import files
from tests.syntax.x25519 import derive_public_key

GOLDEN = Path(__file__).parent / "golden"
OTHER_KEY = base64.b64encode(bytes(range(32))).decode()


def everything_said_about(text: str) -> str:
    """Look at a text in every way there is; raise what is no ConfigError."""
    said: list[object] = []
    try:
        source = SourceText.from_text("hostname.wg0", text)
        said += shown(check(source, "wg0", derive_public_key, [differences]))
        file = parse(source, "wg0")
        said += [*shown(file.warnings), *shown(differences(file, "wg0"))]
        said += everything_meant_by(file)
        said += shown(parse(SourceText.from_text("x", format_file(file)), "wg0").warnings)
    except ConfigError as error:
        said += [str(error), repr(error), *shown(error.diagnostics)]
    return "\n".join(map(str, said))


def everything_said_about_words(words: Sequence[str]) -> str:
    """The same of the arguments of a process."""
    said: list[object] = []
    try:
        file = parse_words(words, "wg0")
        said += [*shown(file.warnings), *everything_meant_by(file)]
    except ConfigError as error:
        said += [str(error), repr(error), *shown(error.diagnostics)]
    return "\n".join(map(str, said))


def everything_meant_by(file: HostnameFile) -> Iterator[object]:
    lowered = lower(file, "wg0", derive_public_key)
    yield from shown(lowered.warnings)
    yield repr(lowered.config.wireguard.private_key)
    yield from (repr(peer.preshared_key) for peer in lowered.config.wireguard.peers)
    yield from shown(lower(file, "wg0", derive_public_key, lowered.config).warnings)


def shown(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    for diagnostic in diagnostics:
        yield diagnostic.format()
        yield repr(diagnostic)


# ---- texts ----

CHARACTERS = st.characters() | st.sampled_from("'\"\\ \t#!$`~*[{;&|<>()=/:%+-.,0\0\r\n\ufeff")
HUGE = st.sampled_from(
    [*(f"{sign}{digit * 5000}" for sign in ("", "-", "0x", "1.") for digit in "09"), "x" * 3000]
)
VALUES = st.sampled_from(
    [
        *("10.0.0.1", "10.0.0.1/24", "10/8", "0x0a000000/8", "255.255.255.0", "0xffffff00", "NONE"),
        *("fd00::1", "fd00::/64", "fe80::1%eth0", "[::1]:7", "::ffff:10.0.0.1", "10.0.0.1%if"),
        *("0", "1", "-1", "+1", "65536", "4294967296", "1e3", "٣", "²", "1_0", "0b1", "vpn:http"),
        *("default", "office", "wg0", "wg1", "$if", "${if}", "lo0", "a b", "{{ x }}", "<x>", "%"),
        *(OTHER_KEY, OTHER_KEY[:-1], ZERO_KEY, OTHER_KEY.replace("+", "-")),
    ]
)
NAMES = sorted({*KEYWORDS, *REFUSED, *FOREIGN})
ROUTE_NAMES = sorted(
    {*ARGUMENTS, *PLAIN, *REFUSED_MODIFIERS, *ACTIONS_REFUSED}
    | {"add", "delete", "del", "change", "get", "exec", "-T", "-T1", "-n", "-q", "-v", "-qn", "-d"}
)
SHELL = st.sampled_from(
    ["&&", "||", ";", "|", "&", ">/dev/null", "2>&1", "<", "#", "(", "{", "if", "$x", "`a`", "\\"]
)


def scrambled(names: Sequence[str]) -> st.SearchStrategy[str]:
    """Return what draws words of the language in an order that has no reason."""
    word = st.one_of(
        st.sampled_from(names),
        st.sampled_from(names),
        VALUES,
        VALUES.map(lambda value: f"'{value}'"),
        HUGE,
        st.text(CHARACTERS, max_size=4),
    )
    separator = st.sampled_from([" "] * 8 + ["\t", "", " \\\n", "=", "/"])
    pairs = st.lists(st.tuples(word, separator), max_size=10)
    return pairs.map(lambda found: "".join(word + separator for word, separator in found))


LINES = scrambled(NAMES)
SHELL_LINES = st.builds(
    "{0}{1} {2} {3} {4}".format,
    st.sampled_from(["!", "! ", "!\t", " !/sbin/", "!'"]),
    st.sampled_from(["ifconfig $if", "ifconfig wg0", "ifconfig", "route", "route add", "route -T"]),
    scrambled(ROUTE_NAMES) | scrambled(NAMES),
    SHELL | st.just(""),
    scrambled(ROUTE_NAMES),
)
SCRAMBLED = st.lists(LINES | SHELL_LINES, max_size=5).map("\n".join)
NESTED = st.builds(
    lambda opening, count, closing: opening * count + closing,
    st.sampled_from(["'", '"', "\\", "'\"", "\"'", '\\"', "'\\", "{", "((", "`", "$(", "a'", '""']),
    st.integers(0, 3000),
    st.sampled_from(["", "'", '"', " ", "\n", "x", "\\\n"]),
)
QUOTED = st.builds(
    "{0}{1}{2}".format,
    st.sampled_from(["", "wgdescr ", "wgkey ", "!", "!ifconfig $if descr ", "!route add ", "#"]),
    NESTED,
    st.sampled_from(["", "\nup\n", " mtu x"]),
)
GOOD = st.one_of(
    files().map(lambda file: file.text),
    files().map(lambda file: file.text),
    st.sampled_from(
        [path.read_text() for path in sorted(GOLDEN.iterdir()) if path.suffix != ".expected"]
    ),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a good file in which a few stretches have gone, moved or become something else."""
    text = draw(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        there = draw(st.integers(0, len(text)))
        put = draw(
            st.one_of(
                st.just(""),
                st.just(text[start:end] * 2),
                st.just(text[there : there + 40]),
                st.text(CHARACTERS, max_size=3),
                VALUES,
                st.sampled_from(NAMES),
            )
        )
        text = text[:start] + put + text[end:]
    return text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "\ufeff",
            "\ufeff\n",
            "\ufeff\ufeffup",
            "\r",
            "\n\r",
            "\\",
            "\\\r\n",
            "\\\n\\",
            "!",
            "!\\",
        ),
        *(
            "\0",
            "\ud800",
            "up\udcff",
            "\u2028up",
            "up\x85",
            "up\u00a0",
            "\x1b[0m",
            "inet",
            "!route",
        ),
    ],
    ids=ascii,
)
def test_no_short_text_fails_but_with_config_error(text: str) -> None:
    everything_said_about(text)
    everything_said_about_words([text])


@pytest.mark.parametrize("huge", ["9" * 4301, "0" * 4301 + "1"], ids=["large", "long"])
def test_no_huge_number_fails_but_with_config_error(huge: str) -> None:
    """Python itself refuses numbers of more than 4300 digits."""
    for name in (keyword.name for keyword in KEYWORDS.values() if keyword.arguments):
        everything_said_about(f"wgpeer {OTHER_KEY} {name} {huge} {huge}\n")
        everything_said_about(f"wgpeer {OTHER_KEY} {name} 10.0.0.0/{huge}\n")
    for name in ARGUMENTS:
        everything_said_about(f"!route add {name} {huge} 10.0.0.0/8 10.0.0.1\n")
    for text in (f"10.0.0.1/{huge}", f"inet6 ::1 {huge}", f"!route add 10/{huge} 10.0.0.1"):
        everything_said_about(f"{text}\n!route -T{huge} add default 10.0.0.1\n")


@given(st.one_of(st.text(CHARACTERS), SCRAMBLED, SCRAMBLED, QUOTED))
def test_no_text_fails_but_with_config_error(text: str) -> None:
    everything_said_about(text)


@given(mutated())
def test_no_damage_to_a_file_fails_but_with_config_error(text: str) -> None:
    everything_said_about(text)


@given(st.lists(st.one_of(st.sampled_from(NAMES), VALUES, HUGE, st.text(CHARACTERS)), min_size=1))
def test_no_arguments_fail_but_with_config_error(words: list[str]) -> None:
    everything_said_about_words(words)


@given(st.binary() | st.text(CHARACTERS).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_octets_fail_but_with_config_error(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostname.wg0"
    path.write_bytes(octets)
    with suppress(ConfigError):
        assert SourceText.read(path).text().encode() == octets


# ---- keys in places where no key belongs ----


@st.composite
def keys(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a private key as somebody might have it, and how it is written."""
    octets = draw(st.binary(min_size=32, max_size=32).filter(lambda octets: len(set(octets)) > 8))
    if draw(st.sampled_from([False] * 5 + [True])):
        return octets.hex(), octets.hex()
    key = base64.b64encode(octets).decode()
    for at in draw(st.lists(st.integers(0, 41), max_size=2)):
        # what parts an address from its length, or a path
        key = key[:at] + draw(st.sampled_from("/+")) + key[at + 1 :]
    spoilt = [key] * 5 + [key[:-1], key + "=", "x" + key, key.replace("+", "-")]
    key = draw(st.sampled_from(spoilt))
    at = draw(st.integers(1, 42))
    return key, key[:at] + draw(st.sampled_from([""] * 4 + ["\\\n", "''", '""', "\\"])) + key[at:]


ANY_LINES = (
    *("{}", "wgkey {}", "wgkye {}", "WGKEY {}", "wgkey={}", "PrivateKey = {}", "x{}", "-{}"),
    *(f"{name} {{}}" for name in NAMES if name not in ("wgpeer", "-wgpeer")),
    *("inet {}", "inet alias {}", "inet 10.0.0.1 {}", "inet 10.0.0.1/{}", "inet6 {}/64"),
    *("inet 10.0.0.1/24 {}", "10.0.0.1 {}", "10.0.0.1 netmask {}", "inet6 fd00::1 {}", "dest {}"),
    *("up {}", "mtu 1400 {}", "description a {}", "description 'a {}'", "-description {}"),
    *("# {}", "#{}", "up # {}", "up #wgkey {}", "group a{}", "rtlabel {}", "create {}"),
    *(
        f"wgpeer {ZERO_KEY} {word}"
        for word in ("{}", "wgaip {}", "wgaip 10.0.0.0/{}", "wgaip {}/8")
    ),
    *(f"wgpeer {ZERO_KEY} {word}" for word in ("wgpsk {}", "wgpka {}", "wgdescr {}", "-wgpsk {}")),
    *(f"wgpeer {ZERO_KEY} wgendpoint {to}" for to in ("{} 7", "a {}", "{}:7", "a:{}", "[{}]:7")),
)
COMMAND_LINES = (
    *("wg set $if private-key {}", "echo {}", "echo {}>x", "{}", "PSK={} true", "echo '{}' | wg"),
    *("route add {} 10.0.0.1", "route add 10/8 {}", "route add 10/{} 10.0.0.1", "route {} 10/8 a"),
    *("route -T {} add 10/8 10.0.0.1", "route -T{} add 10/8 10.0.0.1", "route -T 1 exec {} {}"),
    *(f"route add {name} {{}} 10/8 10.0.0.1" for name in ROUTE_NAMES),
    *("route add 10/8 10.0.0.1 {}", "route delete {}", "route add -{} 10/8 10.0.0.1", "route {}"),
    *("route add {}/8 10.0.0.1", "route add 10/8 {}%wg0", "ifconfig {} up", "ifconfig {}"),
    *(f"ifconfig $if {line}" for line in ANY_LINES),
)
AROUND = st.sampled_from(
    ["{}"] * 6
    + ["'{}'", '"{}"', "<{}>", "{{{{ {} }}}}", "\\{}", "x'{}'", "'{}", "{}$x", "{};", '{}"']
)
FURTHER = st.sampled_from(
    [""] * 3 + [" mtu x", " wgport 99999", " '", " | a", " $x", " <", " \\ ", "\n-group z", " inet"]
)
FILE_WITH_KEY = st.builds(
    lambda before, line, around, further, after: f"{before}{line}{further}\n{after}".replace(
        "{}", around
    ),
    st.sampled_from(["", "mtu x\n", f"wgpeer {ZERO_KEY} wgaip 10.0.0.1/8\n", "up \\\n"]),
    st.sampled_from(ANY_LINES) | st.sampled_from(COMMAND_LINES).map("!".__add__),
    AROUND,
    FURTHER,
    st.sampled_from(["", "frobnicate\n", "!route add 10/8 10.0.0.1 x\n"]),
)


def leaks(key: str, said: str) -> list[str]:
    """Return the parts of a key that are long enough to matter and were said."""
    return [part for at in range(len(key) - 11) if (part := key[at : at + 12]) in said]


@given(FILE_WITH_KEY, keys())
@settings(max_examples=300)
def test_no_key_in_a_wrong_place_is_told(text: str, key: tuple[str, str]) -> None:
    value, written = key
    assert leaks(value, everything_said_about(text.replace("{}", written))) == []


@given(st.lists(st.sampled_from([*NAMES, "{}", "{}", "10.0.0.1", "a {}"]), min_size=1), keys())
def test_no_key_among_arguments_is_told(words: list[str], key: tuple[str, str]) -> None:
    peers = [number for number, word in enumerate(words) if word in ("wgpeer", "-wgpeer")]
    assume(all(words[number + 1 : number + 2] != ["{}"] for number in peers))
    value, _ = key
    words = [word.replace("{}", value) for word in words]
    assert leaks(value, everything_said_about_words(words)) == []
