"""The grammar, the keyword table and the converters name the same things."""

from __future__ import annotations

import logging

import hypothesis.strategies as st
import pytest
from hypothesis import given
from lark import Lark, logger

from netstart_wg.syntax.address_command import ADDRESS_RULES
from netstart_wg.syntax.convert import CONVERTERS
from netstart_wg.syntax.grammar import (
    GRAMMAR,
    Part,
    Shapes,
    literal_words,
    parser,
    read_parts,
    word_splitter,
)
from netstart_wg.syntax.grammar_file import grammar_text
from netstart_wg.syntax.keywords import FOREIGN, KEYWORDS, SECRET_KEYWORDS
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.refused import REFUSED


def test_the_keywords_of_the_grammar_are_those_of_the_table() -> None:
    assert literal_words() == set(KEYWORDS)


def test_no_word_is_both_known_and_refused() -> None:
    assert not set(REFUSED) & set(KEYWORDS)
    assert set(FOREIGN.values()) | SECRET_KEYWORDS <= set(KEYWORDS)


def test_each_rule_that_makes_a_statement_has_its_converter() -> None:
    rules = {str(rule.alias or rule.origin.name) for rule in parser().rules}
    arguments = {rule.origin.name for rule in parser().rules if rule.options.expand1}
    statements = {name for name in rules - arguments - {"start"} if not name.startswith("_")}
    assert statements == set(CONVERTERS) | ADDRESS_RULES
    assert not set(CONVERTERS) & ADDRESS_RULES


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger.name)
    logger.propagate = True
    Lark(grammar_text(GRAMMAR), parser="lalr", lexer="contextual", debug=True)
    assert not [message for message in caplog.messages if "conflict" in message.lower()]


def test_a_parser_is_built_once() -> None:
    assert parser() is parser()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("up", [Part("up", 0, 1)]),
        ("wgkey up up", [Part("wgkey", 0, 2), Part("up", 2, 3)]),
        ("description wgkey", [Part("description", 0, 2)]),
        ("wgkeyx up", [Part("loose", 0, 1), Part("up", 1, 2)]),
        ("upup", [Part("loose", 0, 1)]),
        (
            "inet alias A M up # x",
            [
                Part("inet", 0, 1),
                Part("alias", 1, 2),
                Part("loose", 2, 3),
                Part("loose", 3, 4),
                Part("up", 4, 5),
            ],
        ),
        ("inet6 A mtu 3", [Part("inet6", 0, 1), Part("loose", 1, 2), Part("mtu", 2, 4)]),
        ("A netmask M -alias", [Part("loose", 0, 1), Part("netmask", 1, 3), Part("delete", 3, 4)]),
        ("dest D", [Part("dest", 0, 2)]),
        ("wgendpoint wgaip wgaip wgaip x", [Part("wgendpoint", 0, 3), Part("wgaip", 3, 5)]),
        ("up inet A", [Part("up", 0, 1), Part("loose", 1, 2), Part("loose", 2, 3)]),
        ("descr '# no' # yes", [Part("description", 0, 2)]),
        ("descr a#b", [Part("description", 0, 2)]),
        ("!echo wgkey", []),
        ("# up", []),
        ("", []),
    ],
)
def test_a_line_is_made_of_statements(text: str, parts: list[Part]) -> None:
    assert list(read_parts(text)) == parts


WORDS = st.sampled_from(
    [*sorted(KEYWORDS), "K", "10.0.0.1", "'two words'", '"a\\"b"', "x\\ y", "#"]
)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=8), max_size=8))
def test_lines_of_the_same_shape_have_the_same_structure(lines: list[list[str]]) -> None:
    shapes = Shapes()
    for words in lines:
        text = " ".join(words)
        try:
            expected: tuple[Part, ...] | str = read_parts(text.partition("#")[0])
        except Mistake as mistake:
            expected = f"{mistake.start} {mistake.end} {mistake.values['usage']}"
        try:
            found: tuple[Part, ...] | str = shapes.parts(word_splitter().split(text).words)
        except Mistake as mistake:
            found = f"{mistake.start} {mistake.end} {mistake.values['usage']}"
        assert found == expected


@given(st.lists(WORDS.filter(lambda word: word != "#"), max_size=8))
def test_the_statements_cover_the_words_without_gaps(words: list[str]) -> None:
    try:
        parts = read_parts(" ".join(words))
    except Mistake:
        return
    assert [part.first for part in parts] == [0, *(part.last for part in parts)][: len(parts)]
    assert (parts[-1].last if parts else 0) == len(words)
