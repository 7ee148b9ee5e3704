"""A `!` line as words, as far as no shell is needed to know what they are.

netstart(8) replaces `$if` as text before its shell sees the line, quotes or not;
everything else that a shell would expand, redirect or decide is for a shell.
What only silences a command (redirections to /dev/null) or explains it (a
comment) says nothing about what is asked for, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from netstart_wg.syntax.words import Word, unquote

OWN_NAME = "$if"
"""Stands for the interface's name."""

_BLANKS = re.compile(r"[ \t]*")
_WORD = re.compile(
    r"""
    (?! [#~] )
    (?:
        [^ \t\n"'\\$`<>|;&()*?\[]++
      | \$if
      | \\ [^\n]
      | ' [^'\n]*+ '
      | " (?: [^"\\$`\n]++ | \\ [^\n] | \$if )* "
    )+
    """,
    re.VERBOSE,
)
_END_OF_WORD = re.compile(r"$|[ \t<>|;&()]")
_REDIRECTION = re.compile(
    r"(?: [0-9]* (?: >>? | < ) [ \t]* /dev/null | [0-9]* >& [0-9]+ ) (?= $ | [ \t<>|;&()] )",
    re.VERBOSE,
)
_JOINT = re.compile(r"&&|\|\||;(?!;)")
_QUOTED_PART = re.compile(r"""\\.|'[^']*+'|"(?:[^"\\]++|\\.)*\"""")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_RESERVED = frozenset(
    {"!", "{", "}", "[[", "if", "then", "elif", "else", "fi", "for", "in", "while", "until", "do"}
    | {"done", "case", "esac", "select", "function", "coproc", "time"}
)


class _NeedsShellError(Exception):
    """Raised at what only a shell understands."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def simple_commands(text: str, start: int) -> tuple[list[Word], ...] | None:
    """Return the words of each command from there on; None if it takes a shell to read them.

    The commands are joined by `;`, `&&` or `||`.  `$if` is kept in what the words say.
    """
    try:
        return tuple(_commands(text, start))
    except _NeedsShellError:
        return None


def needs_shell_at(text: str, start: int) -> int | None:
    """Return where the first thing stands that only a shell understands."""
    try:
        for _ in _commands(text, start):
            pass
    except _NeedsShellError as error:
        return error.place
    return None


def first_word(text: str, start: int) -> Word | None:
    """Return the first word from there on, whatever comes after it; None if that is no word."""
    place = _skip_blanks(text, start)
    try:
        return _word(text, place)
    except _NeedsShellError:
        return None


def _commands(text: str, start: int) -> Iterator[list[Word]]:
    """Yield the commands, none of them empty; the last may be followed by a semicolon."""
    words: list[Word] = []
    may_end = True
    place = _skip_blanks(text, start)
    while place < len(text) and text[place] != "#":
        if joint := _JOINT.match(text, place):
            if not words:
                raise _NeedsShellError(place)
            yield words
            words = []
            may_end = joint.group() == ";"
            place = joint.end()
        elif redirection := _REDIRECTION.match(text, place):
            place = redirection.end()
        else:
            word = _word(text, place)
            if not words and (word.raw in _RESERVED or _ASSIGNMENT.match(word.raw)):
                raise _NeedsShellError(place)
            words.append(word)
            place = word.end
        place = _skip_blanks(text, place)
    if words:
        yield words
    elif not may_end:
        raise _NeedsShellError(len(text))


def _word(text: str, place: int) -> Word:
    match = _WORD.match(text, place)
    if match is None:
        raise _NeedsShellError(place)
    raw = match.group()
    if not _END_OF_WORD.match(text, match.end()):
        raise _NeedsShellError(match.end())
    if braces := _BRACES.search(_QUOTED_PART.sub(lambda part: "_" * len(part.group()), raw)):
        raise _NeedsShellError(place + braces.start())
    return Word(raw, unquote(raw), place)


def _skip_blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    assert match is not None, "it matches nothing, too"
    return match.end()
