"""Where OpenBSD's netstart(8) reads a hostname file differently from us.

What it does to a line, in this order: `read` joins continued lines and takes
every other backslash away; blanks separate words, whatever quotes say; from the
second line on words that are patterns become file names; the words of an inet
or inet6 line are given their meaning by their number; the rest is joined with
single blanks and evaluated by the shell, which only now sees quotes and
comments.  It ignores a last line that no newline ends.
"""

from __future__ import annotations

import re

from netstart_wg.model.source import Diagnostic, Span
from netstart_wg.syntax.difference import Difference
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.grammar import word_splitter
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.line_words import line_words
from netstart_wg.syntax.route_statement import RouteStatement
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.statements import Blank, Comment, HostnameFile, Ifconfig, ShellCommand
from netstart_wg.syntax.words import Word, Words

_PACKED = {"inet": ("netmask", "broadcast address"), "inet6": ("prefix length",)}
"""What the words after the address are, whatever they say."""

_PATTERN = re.compile(r"(?<!\$)[*?]|\[.+\]")
_EXPANSION = re.compile(r"^~|[*?]|\[.+\]|\{[^{}]*,[^{}]*\}")
_QUOTED_PART = re.compile(r"""\\.|'[^']*+'|"(?:[^"\\]++|\\.)*\"""", re.DOTALL)
_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"[^ \t]+")
_STATE = re.compile(
    r"(?:cd|exit|return|export|readonly|unset|set|umask|ulimit|alias|unalias|trap|exec|\.)"
    r"(?![^\s;&|])"
    r"|[A-Za-z_][A-Za-z0-9_]*=[^\s;&|]*(?=\s*(?:$|[;&|]))"
)


def differences(file: HostnameFile) -> tuple[Diagnostic, ...]:
    """Return a warning for each spot of a file without errors."""
    findings = Findings(file.source)
    _look_at_first_and_last(file, findings)
    makes_file_names = False
    for line, meaning in zip(file.source.lines(), file.lines, strict=True):
        reader = _Reader(line, findings, makes_file_names)
        match meaning:
            case Comment():
                reader.look_at_comment(len(line.text) - len(line.text.lstrip()))
            case ShellCommand():
                reader.look_at_command()
                for step in meaning.steps:
                    if isinstance(step, RouteStatement):
                        reader.look_at_route(step)
            case Ifconfig():
                reader.look_at_words()
            case Blank():
                pass
        makes_file_names = isinstance(meaning, Ifconfig | ShellCommand)
    return findings.warnings


def _look_at_first_and_last(file: HostnameFile, findings: Findings) -> None:
    source = file.source
    if source.has_byte_order_mark:
        findings.add(Difference.BYTE_ORDER_MARK, Span(1, 1))
    if source.carriage_returns:
        first = source.carriage_returns[0]
        place = Span(first, len(source.physical_lines[first - 1]) + 1)
        findings.add(Difference.CARRIAGE_RETURN, place, count=len(source.carriage_returns))
    if not file.lines or not isinstance(file.lines[-1], Ifconfig | ShellCommand):
        return
    line = source.line_at(len(source.physical_lines))
    if source.ends_in_backslash:
        findings.add(Difference.BACKSLASH_AT_END, line.span(0, len(line.text)))
    elif not source.ends_in_newline:
        findings.add(Difference.NO_NEWLINE, line.span(0, len(line.text)))


class _Reader:
    """Looks at one logical line."""

    def __init__(self, line: LogicalLine, findings: Findings, makes_file_names: bool) -> None:
        self._line = line
        self._findings = findings
        self._makes_file_names = makes_file_names
        """Whether patterns are matched before quotes are looked at."""

    def look_at_comment(self, start: int) -> None:
        """Look for a line that a comment has swallowed and that was probably not meant to be."""
        for index, join in enumerate(self._line.joins, 1):
            first, last = self._line.stretch(index)
            text = self._line.text[first:last]
            if join > start and text.strip() and not text.lstrip().startswith("#"):
                self._note(Difference.COMMENT_GOES_ON, first, last)
                return

    def look_at_command(self) -> None:
        """Look at a shell command."""
        text = self._line.text
        start = text.index("!") + 1
        if (backslash := text.rstrip().find("\\")) >= 0:
            self._note(Difference.SHELL_BACKSLASH, backslash, backslash + 1)
        command = start + len(text[start:]) - len(text[start:].lstrip())
        if match := _STATE.match(text, command):
            name = f'"{match.group().partition("=")[0]}"'
            self._note(Difference.SHELL_STATE, *match.span(), command=name)
        for piece in list(_PIECE.finditer(text))[1:]:
            if self._makes_file_names and (found := _unprotected(piece.group())):
                self._note_character(Difference.SHELL_PATTERN, piece.start() + found.start())

    def look_at_route(self, statement: RouteStatement) -> None:
        """Look at a route(8) command, which was looked at when it was read."""
        for remark in statement.differences:
            self._findings.add(remark.message, remark.span, **remark.values)

    def look_at_words(self) -> None:
        """Look at an ifconfig(8) command."""
        found = line_words(self._line.text)
        if found.comment is not None:
            self.look_at_comment(len(self._line.text) - len(found.comment))
        self._look_at_packed(found)
        for word in found.words:
            self._look_at_word(word)

    def _look_at_packed(self, found: Words) -> None:
        words = found.words
        roles = _PACKED.get(words[0].raw, ())
        first = 3 if words[1:] and words[1].raw == "alias" else 2
        for position, role in enumerate(roles, first):
            if position >= len(words):
                if found.comment is not None:
                    end = len(self._line.text)
                    start = end - len(found.comment)
                    self._note(Difference.COMMENT_TAKEN, start, end, role=role)
                return
            word = words[position]
            if word.raw in KEYWORDS:
                difference = Difference.KEYWORD_TAKEN
                self._note_word(difference, word, role=role, keyword=word.raw)
                return
            if word.value == "NONE" and role == "netmask":
                self._note_word(Difference.NONE_TAKEN, word)
                return
            if word.value == "NONE" and not word.raw.endswith("NONE"):
                self._note_word(Difference.QUOTED_NONE, word)

    def _look_at_word(self, word: Word) -> None:
        if "\\" in word.raw and not _survives_read(word):
            place = word.start + word.raw.index("\\")
            self._note(Difference.BACKSLASH, place, place + 1)
        elif match := _EXPANSION.search(_bare(word.raw)):
            self._note_character(Difference.EXPANDED, word.start + match.start())
        elif self._makes_file_names and (place_in_word := _pattern_in_quotes(word)) is not None:
            self._note_character(Difference.PATTERN_IN_QUOTES, word.start + place_in_word)

    def _note_word(self, difference: Difference, word: Word, **values: object) -> None:
        self._note(difference, word.start, word.end, word=word, **values)

    def _note_character(self, difference: Difference, place: int) -> None:
        character = f'"{self._line.text[place]}"'
        self._note(difference, place, place + 1, character=character)

    def _note(self, difference: Difference, start: int, end: int, **values: object) -> None:
        self._findings.add(difference, self._line.span(start, end), **values)


def _survives_read(word: Word) -> bool:
    """Say whether a word is the same without the backslashes that `read` takes away."""
    left = _BACKSLASH.sub(r"\1", word.raw)
    match word_splitter().split(left):
        case Words([Word(raw=raw, value=value)], None, None):
            return (raw, value) == (left, word.value) and not _EXPANSION.search(_bare(left))
        case _:
            return False


def _bare(raw: str) -> str:
    """Return a word with something harmless in place of what is quoted."""
    return _QUOTED_PART.sub(lambda match: "_" * len(match.group()), raw)


def _pattern_in_quotes(word: Word) -> int | None:
    """Return where in a word a stretch between blanks is a pattern without quotes in it."""
    for piece in _PIECE.finditer(word.raw):
        if match := _unprotected(piece.group()):
            return piece.start() + match.start()
    return None


def _unprotected(piece: str) -> re.Match[str] | None:
    """Find a pattern; quotes are part of it here, and hardly any file has one in its name."""
    return None if '"' in piece or "'" in piece else _PATTERN.search(piece)
