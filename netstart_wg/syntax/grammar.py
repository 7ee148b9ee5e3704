"""The grammar at work: which words of a line make up which statement.

To the grammar a word is either a keyword or just a word, so lines with the same
keywords in the same places have the same structure, however different their
keys and addresses.  Lark is asked once for each such shape; that makes a file
with thousands of peers several times faster.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from netstart_wg.syntax.grammar_file import grammar_text
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.words import Word, WordSplitter

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from lark.exceptions import UnexpectedToken

GRAMMAR = "hostname.lark"

_ANY_WORD = "x"
"""Stands for every word that is no keyword."""


class Part(NamedTuple):
    """A statement, as a stretch of a line's words; the keyword is the first."""

    rule: str
    """Of the grammar."""
    first: int
    last: int


@functools.cache
def parser() -> Lark:
    """Return the parser, made on first use: not every run needs it."""
    from lark import Lark

    return Lark(
        grammar_text(GRAMMAR),
        parser="lalr",
        lexer="contextual",
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


@functools.cache
def literal_words() -> frozenset[str]:
    """Return the keywords as the grammar has them."""
    return frozenset(
        terminal.pattern.value for terminal in parser().terminals if terminal.pattern.type == "str"
    )


@functools.cache
def word_splitter() -> WordSplitter:
    """Return a splitter for the words of the grammar."""
    return WordSplitter(parser().get_terminal("WORD").pattern.to_regexp())


def read_parts(text: str) -> tuple[Part, ...]:
    """Return the statements of a line that consists of words; raise Mistake."""
    from lark.exceptions import UnexpectedToken

    try:
        return tuple(_parts(parser().parse(text)))
    except UnexpectedToken as error:
        raise _incomplete(error) from None


class Shapes:
    """As read_parts, but remembers the shapes of lines."""

    def __init__(self) -> None:
        self._literal_words = literal_words()
        self._known: dict[tuple[str | None, ...], tuple[Part, ...]] = {}

    def parts(self, words: Sequence[Word]) -> tuple[Part, ...]:
        """Return the statements of a line, given with its words; raise Mistake."""
        literal = self._literal_words
        shape = tuple([raw if raw in literal else None for raw, _, _ in words])
        parts = self._known.get(shape)
        if parts is None:
            parts = self._known[shape] = _parts_of_shape(shape, words)
        return parts


def _parts_of_shape(shape: Sequence[str | None], words: Sequence[Word]) -> tuple[Part, ...]:
    text = " ".join([keyword or _ANY_WORD for keyword in shape])
    try:
        return read_parts(text)
    except Mistake as mistake:
        word = words[text.count(" ", 0, mistake.start)]
        raise Mistake.about(word, mistake.message, **mistake.values) from None


def _parts(tree: Tree[Token]) -> Iterator[Part]:
    """Yield the statements from left to right; a statement's own words precede those in it."""
    from lark import Token

    position = 0
    for statement in _subtrees(tree):
        count = sum(isinstance(child, Token) for child in statement.children)
        yield Part(str(statement.data), position, position + count)
        position += count


def _subtrees(tree: Tree[Token]) -> Iterator[Tree[Token]]:
    from lark import Tree

    for child in tree.children:
        if isinstance(child, Tree):
            yield child
            yield from _subtrees(child)


def _incomplete(error: UnexpectedToken) -> Mistake:
    """Say which keyword lacks an argument: nothing else can be in a word's place."""
    from lark import Token

    stack = error.interactive_parser.parser_state.value_stack
    keyword = next(v for v in reversed(stack) if isinstance(v, Token) and v.type != "WORD")
    start = keyword.start_pos or 0
    return Mistake(
        Message.MISSING_ARGUMENT,
        start,
        start + len(keyword),
        keyword=str(keyword),
        usage=KEYWORDS[keyword].usage,
    )
