"""`!` lines: those that are about the interface and its routes are understood.

On OpenBSD they are a shell's like any other.  Here `ifconfig` and `route` would be
other programs, so what they are told is read like a line of the file, and what
takes a shell is an error rather than a surprise.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import replace

from netstart_wg.syntax.characters import refuse_placeholder
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.line_reader import IfconfigReader
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.route_command import is_route, needs_shell, read_route
from netstart_wg.syntax.route_messages import RouteMessage
from netstart_wg.syntax.route_statement import RouteExec
from netstart_wg.syntax.shell_line import OWN_NAME, first_word, needs_shell_at, simple_commands
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.statements import AnyStatement, Ifconfig, ShellCommand, Step
from netstart_wg.syntax.words import Word, join_blanks
from netstart_wg.syntax.wrapped_commands import wrapped_commands

_IFCONFIG = frozenset({"ifconfig", "/sbin/ifconfig"})
WITHOUT_EFFECT = frozenset({"true", ":"})
"""Commands that do nothing."""

_BLANKS = " \t"
_ENDS_A_COMMAND = frozenset("|;&<>")


class _Kind(enum.Enum):
    """What a simple command is."""

    IFCONFIG = "ifconfig"
    """About the interface itself."""
    ROUTE = "route"
    NOTHING = "nothing"
    """Without effect."""
    OTHER = "other"
    """For a shell."""


class ShellReader:
    """Reads the `!` lines of one file."""

    def __init__(self, interface: str, reader: IfconfigReader, findings: Findings) -> None:
        self._interface = interface
        self._reader = reader
        self._findings = findings

    def read(self, line: LogicalLine) -> ShellCommand:
        """Read a line that begins with `!`; note what is wrong with it."""
        return replace(read_unknown(line), steps=self._steps(line))

    def _steps(self, line: LogicalLine) -> tuple[Step, ...]:
        """Return what the line was understood as, nothing if it is for a shell."""
        start = line.text.index("!") + 1
        if "ifconfig" not in line.text and "route" not in line.text:
            self._look_for_wrapped(line, start)
            return ()
        commands = simple_commands(line.text, start)
        try:
            if commands is None:
                self._refuse_shell(line.text, start)
                self._look_for_wrapped(line, start)
                return ()
            kinds = [self._kind(words) for words in commands]
            if _Kind.IFCONFIG not in kinds and _Kind.ROUTE not in kinds:
                self._look_for_wrapped(line, start)
                return ()
            _refuse_others(commands, kinds)
        except Mistake as mistake:
            self._note(line, mistake)
            return ()
        read = [self._step(line, words, kind) for words, kind in zip(commands, kinds, strict=True)]
        steps = [step for step in read if step is not None]
        if isinstance(read[-1], RouteExec):
            self._look_for_wrapped(line, read[-1].start)
            steps[-1] = replace(read[-1], text=_from(line, read[-1].start))
        return tuple(steps)

    def _look_for_wrapped(self, line: LogicalLine, start: int) -> None:
        """Warn of what is for a shell, from there on, and may be meant for us."""
        for oddity in wrapped_commands(line.text, start, self._is_own_name):
            self._note(line, oddity)

    def _kind(self, words: Sequence[Word]) -> _Kind:
        program = words[0]
        if is_route(program):
            return _Kind.ROUTE
        if program.value in _IFCONFIG and len(words) > 2 and self._is_own_name(words[1]):
            return _Kind.IFCONFIG
        return _Kind.NOTHING if program.value in WITHOUT_EFFECT else _Kind.OTHER

    def _step(self, line: LogicalLine, words: Sequence[Word], kind: _Kind) -> Step | None:
        """Read a command that is not for a shell; note what is wrong with it."""
        try:
            match kind:
                case _Kind.ROUTE:
                    return self._read_route(line, words)
                case _Kind.IFCONFIG:
                    return Ifconfig(self._read_ifconfig(line, words))
                case _:
                    return None
        except Mistake as mistake:
            self._note(line, mistake)
            return None

    def _read_route(self, line: LogicalLine, words: Sequence[Word]) -> Step | None:
        """Read a route; what `route -T N exec` runs may be one of our commands again."""
        step = read_route(words, line)
        while isinstance(step, RouteExec):
            command = [word for word in words if word.start >= step.start]
            match self._kind(command):
                case _Kind.ROUTE:
                    step = read_route(command, line, step.rdomain)
                case _Kind.IFCONFIG:
                    return Ifconfig(self._read_ifconfig(line, command))
                case _:
                    break
        return step

    def _read_ifconfig(self, line: LogicalLine, words: Sequence[Word]) -> tuple[AnyStatement, ...]:
        for word in words:
            refuse_placeholder(line.text, word.start)
        return self._reader.read_words(line, [self._named(word) for word in words[2:]])

    def _refuse_shell(self, text: str, start: int) -> None:
        """Raise Mistake if a line that takes a shell begins with one of our commands."""
        program = first_word(text, start)
        if program is None:
            return
        if is_route(program):
            raise needs_shell(text, start)
        if program.value in _IFCONFIG and self._says_something(text[program.end :]):
            place = needs_shell_at(text, start)
            assert place is not None, "otherwise its words would be known"
            refuse_placeholder(text, place)
            character = f'"{text[place : place + 1]}"'
            raise Mistake(Message.NEEDS_SHELL, place, place + 1, character=character)

    def _says_something(self, text: str) -> bool:
        """Say whether what follows `ifconfig` is the interface and something about it."""
        name = first_word(text, 0)
        if name is None or not self._is_own_name(name):
            return False
        rest = text[name.end :].lstrip(_BLANKS)
        return bool(rest) and rest[0] not in _ENDS_A_COMMAND

    def _is_own_name(self, word: Word) -> bool:
        return self._named(word).value == self._interface

    def _named(self, word: Word) -> Word:
        return word._replace(value=word.value.replace(OWN_NAME, self._interface))

    def _note(self, line: LogicalLine, mistake: Mistake) -> None:
        span = line.span(mistake.start, mistake.end)
        self._findings.add(mistake.message, span, **mistake.values)
        for other in mistake.others:
            self._note(line, other)


def _refuse_others(commands: Sequence[Sequence[Word]], kinds: Sequence[_Kind]) -> None:
    """Raise Mistake for a command that is for a shell, next to one that is not."""
    if _Kind.OTHER in kinds:
        word = commands[kinds.index(_Kind.OTHER)][0]
        is_with_route = _Kind.ROUTE in kinds
        raise Mistake.about(
            word, RouteMessage.NOT_ALONE if is_with_route else Message.MIXED_COMMANDS
        )


def read_unknown(line: LogicalLine) -> ShellCommand:
    """Read a line that begins with `!` as one that is for a shell."""
    start = line.text.index("!")
    return ShellCommand(_from(line, start + 1), span=line.span(start, len(line.text)))


def _from(line: LogicalLine, start: int) -> str:
    return join_blanks(line.text[start:]).strip(_BLANKS)
