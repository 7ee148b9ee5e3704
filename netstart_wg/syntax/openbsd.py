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
from collections.abc import Iterator, Sequence
from itertools import pairwise

from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.source import Diagnostic, Span
from netstart_wg.syntax.address_values import split_host_and_port
from netstart_wg.syntax.continuation import begins_physical_line
from netstart_wg.syntax.difference import Difference, Spot
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.fold import Fold
from netstart_wg.syntax.grammar import word_splitter
from netstart_wg.syntax.lower import fold_lines
from netstart_wg.syntax.openbsd_packed import dest_spots, packed_spots
from netstart_wg.syntax.route_statement import RouteStatement
from netstart_wg.syntax.shell_command import WITHOUT_EFFECT
from netstart_wg.syntax.shell_line import simple_commands
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.statements import (
    AnyStatement,
    Blank,
    Comment,
    Create,
    Destroy,
    HostnameFile,
    Ifconfig,
    Line,
    ShellCommand,
)
from netstart_wg.syntax.words import Word, Words

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


def differences(file: HostnameFile, interface: str) -> tuple[Diagnostic, ...]:
    """Return a warning for each spot of a file without errors."""
    findings = Findings(file.source)
    _look_at_first_and_last(file, findings)
    _look_at_routes(file, interface, findings)
    last_words: Words | None = None
    exists, makes_file_names = True, False
    for line, meaning in zip(file.source.lines(), file.lines, strict=True):
        reader = _Reader(line, findings, makes_file_names)
        match meaning:
            case ShellCommand():
                reader.look_at_command()
                reader.look_at_steps(meaning)
                last_words = None
            case Ifconfig():
                last_words = reader.look_at_words(last_words)
            case Blank() | Comment():
                pass
        for statements in _commands(meaning):
            _look_at_create(statements, exists, findings)
            exists = not any(isinstance(statement, Destroy) for statement in statements)
        makes_file_names = isinstance(meaning, Ifconfig | ShellCommand)
    return findings.warnings


def _look_at_routes(file: HostnameFile, interface: str, findings: Findings) -> None:
    """Look for routes that are added before there is a way to their gateways."""
    fold = Fold(Findings(file.source), None, InterfaceConfig(name=interface))
    fold_lines(file, fold)
    for gateway in fold.early_gateways():
        findings.add(Difference.ROUTE_TOO_EARLY, gateway.span, word=gateway.word)


def _commands(line: Line) -> Iterator[Sequence[AnyStatement]]:
    """Yield what ifconfig(8) is told in a line."""
    if isinstance(line, Ifconfig):
        yield line.statements
    elif isinstance(line, ShellCommand):
        for step in line.steps:
            if isinstance(step, Ifconfig):
                yield step.statements


def _look_at_create(statements: Sequence[AnyStatement], exists: bool, findings: Findings) -> None:
    """Look for `create` where there is an interface: from the first line on, unless destroyed."""
    if len(statements) > 1 and exists:
        for statement in statements:
            if isinstance(statement, Create):
                findings.add(Difference.CREATE_FAILS, statement.span)


def _look_at_first_and_last(file: HostnameFile, findings: Findings) -> None:
    source = file.source
    if source.has_byte_order_mark and source.physical_lines:
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

    def look_at_steps(self, meaning: ShellCommand) -> None:
        """Look at what a `!` line was understood as."""
        if not meaning.steps:
            return
        for step in meaning.steps:
            if isinstance(step, RouteStatement):
                for remark in step.differences:
                    self._findings.add(remark.message, remark.span, **remark.values)
        text = self._line.text
        commands = simple_commands(text, text.index("!") + 1)
        assert commands is not None, "otherwise it would be for a shell"
        for words in commands:
            self._look_at_endpoints(words)
        for before, after in pairwise(commands):
            place = text.find("||", before[-1].end, after[0].start)
            if place >= 0 and after[0].value not in WITHOUT_EFFECT:
                self._note(Difference.ONE_OF_TWO, place, place + 2)

    def look_at_words(self, before: Words | None) -> Words:
        """Look at an ifconfig(8) command, given the one before it; return its words."""
        text = self._line.text
        found = word_splitter().split(text)
        spots = packed_spots(text, found)
        if found.words[0].raw == "dest":
            spots = dest_spots(text, found, before)
        for spot in spots:
            self._note(self._in_place(spot), spot.start, spot.end, **spot.values)
        joined = self._look_at_endpoints(found.words)
        for word in found.words:
            if word not in joined:
                self._look_at_word(word)
        return found

    def _in_place(self, spot: Spot) -> Difference:
        """Return the difference; a comment may have a line to itself, but for a backslash."""
        begins_line = begins_physical_line(self._line, spot.start) is not None
        if spot.difference is Difference.COMMENT_TAKEN and begins_line:
            return Difference.CONTINUED_COMMENT_TAKEN
        return spot.difference

    def _look_at_endpoints(self, words: Sequence[Word]) -> Sequence[Word]:
        """Look for host and port in one word; return those words."""
        joined = [
            word
            for keyword, word in pairwise(words)
            if keyword.raw == "wgendpoint" and split_host_and_port(word) is not None
        ]
        for word in joined:
            self._note(Difference.JOINED_ENDPOINT, word.start, word.end, word=word)
        return joined

    def _look_at_word(self, word: Word) -> None:
        if "\\" in word.raw and not _survives_read(word):
            place = word.start + word.raw.index("\\")
            self._note(Difference.BACKSLASH, place, place + 1)
        elif match := _EXPANSION.search(_bare(word.raw)):
            self._note_character(Difference.EXPANDED, word.start + match.start())
        elif self._makes_file_names and (place_in_word := _pattern_in_quotes(word)) is not None:
            self._note_character(Difference.PATTERN_IN_QUOTES, word.start + place_in_word)

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
