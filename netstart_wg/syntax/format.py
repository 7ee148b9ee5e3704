"""Statements back to text: the canonical layout of a hostname file.

Single blanks between words, quotes only where they are needed, and a command
that is too wide goes on in further lines, each with a tab in front; statements
of one kind, such as allowed IPs, stay together if they can.  Every line says
what it said before and stays one command; words keep their spelling.  Comments
are left as they are, and blank lines too, one at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from netstart_wg.syntax.address_command import ADDRESS_RULES
from netstart_wg.syntax.grammar import Part, Shapes
from netstart_wg.syntax.line_words import line_words
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.statements import Blank, Comment, HostnameFile, Ifconfig, ShellCommand
from netstart_wg.syntax.words import Word

WIDTH = 100
"""Columns; no statement is divided, and no comment."""

_TAB = 8
_CONTINUATION = " \\"
_BLANKS = " \t"
_ADDRESS = "address"
"""The kind of all words that make the address of a line."""

_NEEDS_NO_QUOTES = re.compile(r"""(?![~#!])[^\s\x00-\x1f\x7f"'\\$`<>|;&()*?\[{]+""")
"""Neither a shell nor the grammar sees anything special in it."""
_SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'["\\$`]')
_BLANKS_AND_JOINS = re.compile(r"[ \t\n]+")


def format_file(file: HostnameFile) -> str:
    """Return the text of a file without errors; reading it gives equal statements."""
    shapes = Shapes()
    lines: list[str] = []
    for line, meaning in zip(file.source.lines(), file.lines, strict=True):
        match meaning:
            case Blank():
                if not lines or lines[-1]:
                    lines.append("")
            case Comment():
                lines.append(_comment(line, line.text.index("#")))
            case ShellCommand():
                lines.append(_command(line))
            case Ifconfig():
                lines.append(_statements(line, shapes))
    while lines and not lines[-1]:
        lines.pop()
    return "".join([f"{line}\n" for line in lines])


def quote(value: str) -> str:
    """Write a word so that it says this, in double quotes where hostname.if(5) wants any."""
    if _NEEDS_NO_QUOTES.fullmatch(value):
        return value
    if not _SPECIAL_IN_DOUBLE_QUOTES.search(value):
        return f'"{value}"'
    if "'" not in value:
        return f"'{value}'"
    return '"' + _SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\g<0>", value) + '"'


def _statements(line: LogicalLine, shapes: Shapes) -> str:
    found = line_words(line.text)
    lines = _wrap(_groups(found.words, shapes.parts(found.words)))
    if found.comment is not None:
        lines[-1] += " " + _comment(line, len(line.text) - len(found.comment))
    return f"{_CONTINUATION}\n".join(lines)


def _groups(words: list[Word], parts: Iterable[Part]) -> Iterator[list[str]]:
    """Yield neighbours of one kind; the words about an address are one statement."""
    for kind, several in groupby(parts, key=_kind):
        texts = [_words(words[part.first : part.last]) for part in several]
        yield [" ".join(texts)] if kind == _ADDRESS else texts


def _kind(part: Part) -> str:
    return _ADDRESS if part.rule in ADDRESS_RULES else part.rule


def _words(words: list[Word]) -> str:
    return " ".join([quote(word.value) for word in words])


def _wrap(groups: Iterable[list[str]]) -> list[str]:
    """Fill lines with groups of statements, and with single ones of a group too wide for one."""
    lines: list[str] = []
    for group in groups:
        whole = " ".join(group)
        for piece in [whole] if _fits(f"\t{whole}") else group:
            if not lines:
                lines.append(piece)
            elif _fits(f"{lines[-1]} {piece}"):
                lines[-1] += f" {piece}"
            else:
                lines.append(f"\t{piece}")
    return lines


def _fits(line: str) -> bool:
    return len(line.expandtabs(_TAB)) + len(_CONTINUATION) <= WIDTH


def _comment(line: LogicalLine, start: int) -> str:
    """Return the comment from there on, continued where it was."""
    text = _with_joins(line, start).strip(_BLANKS + "\n")
    return _safe_at_end(text.replace("\n", "\\\n"))


def _command(line: LogicalLine) -> str:
    """Return a shell command, continued where it was, unless that was within a word."""
    text = _with_joins(line, line.text.index("!") + 1)
    text = _BLANKS_AND_JOINS.sub(_canonical_blank, text).strip(" \n")
    return _safe_at_end("!" + text.replace("\n", f"{_CONTINUATION}\n\t"))


def _canonical_blank(run: re.Match[str]) -> str:
    if "\n" not in run.group():
        return " "
    return "\n" if run.group().strip("\n") else ""


def _with_joins(line: LogicalLine, start: int) -> str:
    """Return the line from there on, with newlines where the physical lines were joined."""
    cuts = [start, *(join for join in line.joins if join > start), len(line.text)]
    return "\n".join([line.text[first:last] for first, last in pairwise(cuts)])


def _safe_at_end(text: str) -> str:
    """Keep what is no word from being taken for a continuation, or for the end of a line."""
    if text.endswith("\r"):
        return text + "\r"
    backslashes = len(text) - len(text.rstrip("\\"))
    return text + " " if backslashes % 2 else text
