"""The canonical layout: what it looks like, and that a file means what it meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from netstart_wg.errors import ConfigError
from netstart_wg.syntax.format import WIDTH, format_file, quote
from netstart_wg.syntax.grammar import word_splitter
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.openbsd import differences
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import Blank, HostnameFile, Ifconfig, Line
from netstart_wg.syntax.words import join_blanks

KEY = "8FVyT2dO0bXrZ1o9bq3XlZl0m4q3o2c5o0m3x1p9QmE="
PEER = "NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="
ETC = Path(__file__).parent.parent.parent / "etc"


def read(text: str) -> HostnameFile:
    return parse(SourceText.from_text("hostname.wg0", text), "wg0")


def formatted(text: str) -> str:
    return format_file(read(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n\n", ""),
        (" \t\n \\\n\n", ""),
        ("up", "up\n"),
        ("\ufeffup\r\ndown\r\n", "up\ndown\n"),
        ("\n\n\nup\n\n \n\ndown\n\n\n", "\nup\n\ndown\n"),
        ("  mtu\t 1400   up \n", "mtu 1400 up\n"),
        ("mt\\\nu 14\\\n00\n", "mtu 1400\n"),
        ("mtu \\\n\t 1400 \\\n\tup\n", "mtu 1400 up\n"),
        # spelling is the user's
        ("mtu  01400\n", "mtu 01400\n"),
        ("inet 10.0.0.1  0xFFFFFF00 NONE\n", "inet 10.0.0.1 0xFFFFFF00 NONE\n"),
        ("inet6  FD00::0:1/64\ndescr a\n", "inet6 FD00::0:1/64\ndescr a\n"),
        (f"wgpeer {PEER}  wgendpoint  a:7\n", f"wgpeer {PEER} wgendpoint a 7\n"),
        (f"wgpeer {PEER} wgendpoint '[::1]:7'\n", f"wgpeer {PEER} wgendpoint ::1 7\n"),
        ("inet  netmask\t255.0.0.0 10.0.0.1\n", "inet netmask 255.0.0.0 10.0.0.1\n"),
        # quotes
        (f"wgkey '{KEY}'\n", f"wgkey {KEY}\n"),
        ("descr 'a'\"b\"\\c\n", "descr abc\n"),
        ("descr 'a \t b'\n", 'descr "a b"\n'),
        ("descr ''\n", 'descr ""\n'),
        ("descr Bob\\'s\n", 'descr "Bob\'s"\n'),
        ('descr "say \\"a\\" for \\$5"\n', "descr 'say \"a\" for $5'\n"),
        ("descr \"it's \\$5\"\n", "descr \"it's \\$5\"\n"),
        ("descr '{{ a }}'\n", 'descr "{{ a }}"\n'),
        ("descr '~a'\ndescr '#a'\ndescr a#b~c\n", 'descr "~a"\ndescr "#a"\ndescr a#b~c\n'),
        ("descr *\ndescr 'up'\n", 'descr "*"\ndescr up\n'),
        # comments
        ("  #  a \tb \n", "#  a \tb\n"),
        ("up\t\t#a  b  \n", "up #a  b\n"),
        ("# a \\\n\tb \\\n\nup\n", "# a \\\n\tb\nup\n"),
        (" \\\n # a\n", "# a\n"),
        ("up # a \\\n b\ndown\n", "up # a \\\n b\ndown\n"),
        ("# a \\ \nup\n", "# a \\ \nup\n"),
        ("# a\r\r\nup\n", "# a\r\r\nup\n"),
        # shell commands
        ("  !  echo   $if  # a\n", "!echo $if # a\n"),
        ("!route add \\\n   10/8 \\\n\\\n10.0.0.1\n", "!route add \\\n\t10/8 \\\n\t10.0.0.1\n"),
        ("!ifconfig  $if \\\n  mtu  1400\n", "!ifconfig $if \\\n\tmtu 1400\n"),
        ("!ec\\\nho a\\ \\\n b\n", "!echo a\\ \\\n\tb\n"),
        ("!echo \\ \nup\n", "!echo \\ \nup\n"),
        ("!\n", "!\n"),
    ],
)  # fmt: skip
def test_the_layout(text: str, expected: str) -> None:
    assert formatted(text) == expected
    assert formatted(expected) == expected


def test_a_wide_command_goes_on_before_a_statement() -> None:
    text = (
        f"wgpeer {PEER} wgdescr 'the office' wgendpoint vpn.example.net 51820 \\\n"
        f"  wgaip 10.1.0.0/16 wgaip 10.2.0.0/16 wgpsk {PEER} wgpka 25 # them\n"
    )
    assert formatted(text) == (
        f'wgpeer {PEER} wgdescr "the office" \\\n'
        "\twgendpoint vpn.example.net 51820 wgaip 10.1.0.0/16 wgaip 10.2.0.0/16 \\\n"
        f"\twgpsk {PEER} wgpka 25 # them\n"
    )


def test_statements_of_one_kind_stay_together_if_they_can() -> None:
    few, many = ([f"wgaip 10.{n}.0.0/16" for n in range(count)] for count in (3, 7))
    peer = f"wgpeer {PEER}"
    assert formatted(f"{peer} {' '.join(few)}\n") == f"{peer} \\\n\t{' '.join(few)}\n"
    assert formatted(f"{peer} {' '.join(many)}\n") == (
        f"{peer} {' '.join(many[:2])} \\\n\t{' '.join(many[2:])}\n"
    )


def test_the_words_about_an_address_are_not_divided() -> None:
    peer = f"wgpeer {PEER} wgdescr {'a' * 25}"
    text = f"{peer} 10.0.0.1 netmask 255.255.255.0\n"
    assert formatted(text) == f"{peer} \\\n\t10.0.0.1 netmask 255.255.255.0\n"


def test_a_line_is_as_wide_as_may_be_and_no_wider() -> None:
    for length in range(1, 60):
        text = f"wgpeer {PEER} wgdescr {'a' * length} wgpka 25\n"
        lines = formatted(text).split("\n")[:-1]
        assert (len(lines) > 1) == (len(text) - 1 + len(" \\") > WIDTH)
        assert max(len(line.expandtabs()) for line in lines) <= WIDTH


@pytest.mark.parametrize("path", sorted(ETC.glob("hostname.*")), ids=lambda path: path.name)
def test_a_sample_is_in_canonical_layout(path: Path) -> None:
    assert formatted(path.read_text()) == path.read_text()


def test_what_openbsd_reads_differently_at_the_ends_of_lines_is_gone() -> None:
    file = read("\ufeffmtu 1400\r\ndescr Bob\\'s\r\nup")
    assert len(differences(file, "wg0")) == 4
    assert differences(read(format_file(file)), "wg0") == ()


# ---- anything at all ----


def said(file: HostnameFile) -> list[Line]:
    """Return the lines that say something, without the blanks behind a comment."""
    return [
        replace(line, comment=line.comment.rstrip(" \t"))
        if isinstance(line, Ifconfig) and line.comment
        else line
        for line in file.lines
        if not isinstance(line, Blank)
    ]


def assert_same(text: str) -> None:
    before = read(text)
    result = format_file(before)
    after = read(result)
    assert said(after) == said(before)
    assert lower(after, "wg0").config == lower(before, "wg0").config
    assert format_file(after) == result
    assert result == "" or (result.endswith("\n") and not result.endswith("\n\n"))
    assert "\n\n\n" not in result


SEPARATOR = st.sampled_from([" ", " ", "\t", "  ", " \\\n", " \\\n\t", "\\\n ", " \\\n\\\n  "])
ANYTHING = st.text(
    st.one_of(
        st.sampled_from("'\"\\ \t#!$`~*[{;\r\n"),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    max_size=8,
)
TEXT = st.one_of(
    ANYTHING.map(lambda text: "'" + text.replace("'", "").replace("\n", "") + "'"),
    ANYTHING.map(lambda text: quote(text.replace("\n", ""))),
    st.sampled_from([*KEYWORDS, "a\\\nb", "'!a'", "'a '\\\n' b'", "{{a"]),
)
STATEMENT = st.one_of(
    st.sampled_from(
        [
            *("up", "down", "mtu 1400", "mtu '01400'", f"wgkey {KEY}", "-descr", "wgp\\\nort 1"),
            *("rdomain 1", "-group office", "group 'office'", "debug", "metric 1", "-inet6"),
            *("create", "wgrtable 1", "priority 1", "alias", "netmask 255.0.0.0", "delete"),
        ]
    ),
    TEXT.map(lambda text: f"descr {text}"),
    st.tuples(
        st.just(f"wgpeer \\\n{PEER}"),
        st.lists(
            st.one_of(
                TEXT.map(lambda text: f"wgdescr {text}"),
                st.sampled_from(
                    [
                        *("wgaip 10/8", "wgaip 'fd00::/8'", "wgendpoint mtu 1", "wgpka 25"),
                        *("-wgpsk", "wgendpoint a:1", "wgendpoint '[::1]:7'"),
                    ]
                ),
            ),
            max_size=6,
        ).map(" ".join),
    ).map(" ".join),
)
COMMENT = ANYTHING.map(lambda text: "#" + text.replace("\n", "\\\n"))
FIRST = st.sampled_from(
    [
        "",
        "",
        "inet6 fd00::1",
        "inet prefixlen 24 10.0.0.1",
        "dest 10.0.0.1",
        "inet 10.0.0.1/24",
        "inet alias '10.0.0.1' 255.255.255.0 \"NONE\"",
        "10.0.0.1/24",
    ]
)
COMMAND = st.tuples(FIRST, st.lists(STATEMENT, max_size=4), SEPARATOR, st.just("") | COMMENT).map(
    lambda parts: parts[2].join([parts[0], *parts[1], parts[3]])
)
LINE = st.one_of(
    COMMAND,
    COMMENT,
    ANYTHING.map(lambda text: "!" + text.replace("\n", " \\\n")),
    st.tuples(
        st.sampled_from(["!ifconfig", "! /sbin/ifconfig"]),
        SEPARATOR,
        st.sampled_from(["$if", "wg0", "'$if'", "wg1"]),
        SEPARATOR,
        COMMAND,
    ).map("".join),
    st.tuples(
        st.just("!route"),
        st.lists(
            st.sampled_from(["add", "default", "10/8", "-T 1", "192.0.2.1", "exec", "&&", ";", "a"])
        ),
        SEPARATOR,
    ).map(lambda parts: parts[2].join([parts[0], *parts[1]])),
    st.sampled_from(["", "", " ", "\\\n"]),
)
TEXTS = st.tuples(
    st.sampled_from(["", "\ufeff"]),
    st.lists(LINE, max_size=5).flatmap(
        lambda lines: st.sampled_from(["\n", "\r\n"]).map(lambda end: end.join(lines))
    ),
    st.sampled_from(["", "\n", "\\\n", "\n\n"]),
).map("".join)


@given(st.one_of(TEXTS, st.text()))
def test_a_file_means_what_it_meant_and_has_one_layout(text: str) -> None:
    try:
        read(text)
    except ConfigError:
        assume(False)
    assert_same(text)


@given(TEXTS)
def test_a_source_gives_back_its_text(text: str) -> None:
    assert SourceText.from_text("x", text).text() == text


@given(ANYTHING)
def test_a_quoted_word_is_read_back(text: str) -> None:
    value = join_blanks(text.replace("\n", ""))
    found = word_splitter().split(quote(value))
    assert [word.value for word in found.words] == [value]
