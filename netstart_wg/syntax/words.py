"""The words of a line, as a shell would take them apart.

What a word is, the grammar says: its terminal WORD is used here, too.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

_QUOTED = re.compile(
    r"\\(?P<escaped>.)|'(?P<single>[^']*+)'" r'|"(?P<double>(?:[^"\\]++|\\.)*)"', re.DOTALL
)
_ESCAPED_IN_DOUBLE = re.compile(r'\\(["\\$`])')
_BLANKS = re.compile(r"[ \t]+")


class Word(NamedTuple):
    """One word.  It may be a key: it does not show itself."""

    raw: str
    """As written, with its quotes."""
    value: str
    """What it says."""
    start: int
    """Where it stands in the logical line."""

    @property
    def end(self) -> int:
        """Where it ends in the logical line."""
        return self.start + len(self.raw)

    def __repr__(self) -> str:
        return f"Word(at {self.start})"


_make_word = functools.partial(tuple.__new__, Word)
"""As `Word._make`, in half the time: a file has ten times as many words as lines."""


class Words(NamedTuple):
    """How far a line could be taken apart."""

    words: list[Word]
    comment: str | None
    """From the `#`."""
    stray: int | None
    """Where a character stands that can neither be in a word nor between words."""


class WordSplitter:
    """Takes lines apart."""

    def __init__(self, word_pattern: str) -> None:
        """Take the regular expression of one word; it must not have groups of its own."""
        self._pieces = re.compile(rf"([ \t]*+)(?:({word_pattern})|(#.*+))?")

    def split(self, text: str) -> Words:
        """Return the words, as far as there are only words."""
        words: list[Word] = []
        position = 0
        says_what_it_is = not _may_be_quoted(text)
        for blanks, raw, comment in self._pieces.findall(text):
            position += len(blanks)
            if not raw:
                is_whole = comment or position == len(text)
                return Words(words, comment or None, None if is_whole else position)
            value = raw if says_what_it_is else unquote(raw)
            words.append(_make_word((raw, value, position)))
            position += len(raw)
        raise AssertionError("the pattern matches at the end of every text")


def unquote(raw: str) -> str:
    """Return what a word says that may be quoted.

    Runs of blanks become one blank, even between quotes: netstart(8) takes a
    line apart at the blanks before it looks at the quotes.
    """
    if not _may_be_quoted(raw):
        return raw
    return join_blanks(_QUOTED.sub(_unquoted, raw))


def _may_be_quoted(text: str) -> bool:
    return '"' in text or "'" in text or "\\" in text


def join_blanks(text: str) -> str:
    """Make one blank of each run of blanks and tabs."""
    return _BLANKS.sub(" ", text)


def _unquoted(match: re.Match[str]) -> str:
    if (escaped := match["escaped"]) is not None:
        return escaped
    if (single := match["single"]) is not None:
        return single
    return _ESCAPED_IN_DOUBLE.sub(r"\1", match["double"])
