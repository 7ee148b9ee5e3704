"""`!` lines as words: what a shell would see, as far as it takes none to know."""

from __future__ import annotations

import shlex
import subprocess

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.syntax.shell_line import first_word, needs_shell_at, simple_commands
from netstart_wg.syntax.words import join_blanks


def values(text: str) -> list[list[str]] | None:
    commands = simple_commands(text, 0)
    return None if commands is None else [[word.value for word in words] for words in commands]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("", []),
        (" \t", []),
        ("# nothing", []),
        ("route add default 10.0.0.1", [["route", "add", "default", "10.0.0.1"]]),
        (" a\t b ", [["a", "b"]]),
        ("a; b;c ;", [["a"], ["b"], ["c"]]),
        ("a && b || c", [["a"], ["b"], ["c"]]),
        ("a 'x;y' \"p && q\" \\;", [["a", "x;y", "p && q", ";"]]),
        ("a # b; c", [["a"]]),
        ("a#b c", [["a#b", "c"]]),
        ("a;#b", [["a"]]),
        ("a 'x  \t y'", [["a", "x y"]]),
        ("a ''", [["a", ""]]),
        ("if0 a{b}c {} a~b a=b", [["if0", "a{b}c", "{}", "a~b", "a=b"]]),
        ("echo if then FOO=1", [["echo", "if", "then", "FOO=1"]]),
        ("'{a,b}' '*'", [["{a,b}", "*"]]),
    ],
)
def test_a_line_of_simple_commands_is_taken_apart(text: str, commands: list[list[str]]) -> None:
    assert values(text) == commands


@pytest.mark.parametrize(
    "text",
    [
        "a >/dev/null",
        "a > /dev/null",
        "a>>/dev/null",
        "a 2>/dev/null",
        "a 1>&2",
        "a >&2",
        "a </dev/null",
        "a >/dev/null 2>&1",
        ">/dev/null a",
        "a 2>&1; # quiet",
    ],
)
def test_what_only_silences_a_command_is_dropped(text: str) -> None:
    assert values(text) == [["a"]]


def test_a_number_at_the_end_of_a_word_is_not_the_number_of_a_redirection() -> None:
    assert values("a 10.0.0.2>/dev/null") == [["a", "10.0.0.2"]]


@pytest.mark.parametrize(
    "text",
    ["a $if", "a %$if", "a '$if'", 'a "$if"', "a fe80::1%$if/64", "a $iface", '"$if $if"', "\\$if"],
)
def test_the_own_name_stays_in_words_to_be_replaced(text: str) -> None:
    found = simple_commands(text, 0)
    assert found is not None
    replaced = simple_commands(text.replace("$if", "wg0").replace("\\w", "w"), 0)
    assert replaced is not None
    assert [word.value.replace("$if", "wg0") for word in found[0]] == [
        word.value for word in replaced[0]
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a | b", 2),
        ("a & b", 2),
        ("a &", 2),
        ("a $(b)", 2),
        ("a `b`", 2),
        ("a $b", 2),
        ("a ${if}", 2),
        ("a x$b", 3),
        ('a "$b"', 2),
        ('a "`b`"', 2),
        ("(a)", 0),
        ("a (", 2),
        ("{ a; }", 0),
        ("! a", 0),
        ("if a; then b; fi", 0),
        ("a; while b; do c; done", 3),
        ("A=1 a", 0),
        ("a *", 2),
        ("a x?", 3),
        ("a [x]", 2),
        ("~/a", 0),
        ("a ~", 2),
        ("a {b,c}", 2),
        ("a x{1..3}", 3),
        ("a > b", 2),
        ("a >b", 2),
        ("a 2>x", 3),
        ("a < /dev/nullx", 2),
        ("a > /dev/null/x", 2),
        ("a 2>&-", 3),
        ("a &> /dev/null", 2),
        ("a >| b", 2),
        ("a << b", 2),
        ("a 'b", 2),
        ('a b"', 3),
        ("a \\", 2),
        (";", 0),
        ("a;;b", 1),
        ("; a", 0),
        ("a ; ; b", 4),
        ("a && ; b", 5),
        ("a &&", 4),
        ("a || # b", 8),
        ("a\nb", 1),
    ],
)
def test_what_takes_a_shell_is_left_to_one(text: str, place: int) -> None:
    assert simple_commands(text, 0) is None
    assert needs_shell_at(text, 0) == place


def test_words_have_their_places_in_the_logical_line() -> None:
    text = "\t! route -q  'add'; ls"
    commands = simple_commands(text, 2)
    assert commands is not None
    assert [(word.raw, word.start) for words in commands for word in words] == [
        ("route", 3),
        ("-q", 9),
        ("'add'", 13),
        ("ls", 20),
    ]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("route add $x | y", "route"),
        ("  /sbin/route", "/sbin/route"),
        ("'route' $(x)", "route"),
        ("route>x", "route"),
        ("route;x", "route"),
        ("route$x add", None),
        ("$x", None),
        ("(route add)", None),
        ("", None),
        ("# route", None),
    ],
)
def test_the_first_word_is_known_whatever_follows_it(text: str, word: str | None) -> None:
    found = first_word(text, 0)
    assert (None if found is None else found.value) == word


PLAIN = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]))


@given(st.lists(PLAIN.map(join_blanks)))
def test_what_a_shell_quotes_is_read_back(words: list[str]) -> None:
    quoted = [shlex.quote(word) for word in words]
    assert values(" ".join(["a", *quoted])) == [["a", *words]]


@given(st.text("ab \t'\"\\-./=:%"))
def test_quotes_are_read_as_shlex_reads_them(text: str) -> None:
    found = values(f"a {text}")
    if found is not None:
        assert found == [[join_blanks(word) for word in shlex.split(f"a {text}")]]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_taken_apart_or_left_to_a_shell(text: str) -> None:
    commands = simple_commands(text, 0)
    place = needs_shell_at(text, 0)
    assert (commands is None) == (place is not None)
    for word in [word for words in commands or () for word in words]:
        assert text[word.start : word.end] == word.raw
    assert place is None or 0 <= place <= len(text)
    first = first_word(text, 0)
    assert first is None or text[first.start : first.end] == first.raw


LINES = [
    r"""a\ b "c \" \\ \$x d" 'e\f' g"h"'i'""",
    "a#b 'c#' x=~ {a} }b # comment",
    "x; w y && w z || w never",
    r"""'a b''$''c' "" \'""",
    "10.0.0.1 2>&1 >/dev/null 1",
]


@pytest.mark.parametrize("line", LINES)
def test_a_real_shell_sees_the_same_words(line: str) -> None:
    shell = subprocess.run(
        ["/bin/sh", "-c", f"w() {{ printf '%s\\n' \"$@\" >&3; }}\nexec 3>&1\nw {line}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = simple_commands(f"w {line}", 0)
    assert found is not None
    ran = [words for words in found if words[-1].value != "never"]
    expected = [word.value for words in ran for word in words[1:]]
    assert shell.stdout.splitlines() == expected
