"""Words and their quotes, as for a shell; blanks between quotes as netstart(8) leaves them."""

from __future__ import annotations

import shlex

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.syntax.grammar import word_splitter


def values(text: str) -> list[str]:
    found = word_splitter().split(text)
    assert found.stray is None
    return [word.value for word in found.words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t ", []),
        ("up", ["up"]),
        ("\ta \t b ", ["a", "b"]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        ("a'b'\"c\"d", ["abcd"]),
        ("'' \"\"", ["", ""]),
        ("a\\ b \\# \\\\ \\'", ["a b", "#", "\\", "'"]),
        (r"'a\b' '$x' '`' '\'", ["a\\b", "$x", "`", "\\"]),
        (r'"\"" "\\" "\$x" "\`" "\a"', ['"', "\\", "$x", "`", "\\a"]),
        ('"it\'s" \'say "x"\'', ["it's", 'say "x"']),
        ("'a  \t b'", ["a b"]),
        ("a#b c # d", ["a#b", "c"]),
        ("K+/= [x] {y} ~ *? ! %wg0 =", ["K+/=", "[x]", "{y}", "~", "*?", "!", "%wg0", "="]),
        ("caf\u00e9 'a\u00a0b'", ["caf\u00e9", "a\u00a0b"]),
    ],
)
def test_a_line_is_taken_apart(text: str, words: list[str]) -> None:
    assert values(text) == words


@pytest.mark.parametrize(
    ("text", "stray"),
    [
        ("a 'b", 2),
        ('a b"', 3),
        ('"a$b"', 0),
        ('"a`b"', 0),
        ("a$b", 1),
        ("a <b>", 2),
        ("a\u00a0b", 1),
        ("a\x01", 1),
        ("a\rb", 1),
        (";", 0),
    ],
)
def test_a_character_in_the_way_is_found(text: str, stray: int) -> None:
    assert word_splitter().split(text).stray == stray


def test_a_comment_is_kept() -> None:
    assert word_splitter().split("up # it's $5").comment == "# it's $5"


def test_a_word_knows_its_place() -> None:
    words = word_splitter().split("  mtu '14'00").words
    assert [(word.raw, word.start, word.end) for word in words] == [
        ("mtu", 2, 5),
        ("'14'00", 6, 12),
    ]


def test_a_word_does_not_show_in_its_representation() -> None:
    assert "hunter2" not in repr(word_splitter().split("wgkey hunter2"))


PLAIN = st.text(st.characters(exclude_characters=" \t\n\0", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(PLAIN))
def test_what_a_shell_quotes_is_read_back(words: list[str]) -> None:
    assert values(shlex.join(words)) == words


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))
def test_any_line_can_be_taken_apart_or_has_a_stray_character(text: str) -> None:
    found = word_splitter().split(text)
    for word in found.words:
        assert text[word.start : word.end] == word.raw
    assert found.stray is None or text[found.stray] not in " \t"
