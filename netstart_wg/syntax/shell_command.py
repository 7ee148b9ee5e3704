"""`!` lines: those that are about the interface itself are understood.

On OpenBSD they are a shell's like any other.  Here `ifconfig` would be another
program, so what it is told about this interface is read like a line of the
file, and what takes a shell is an error rather than a surprise.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from netstart_wg.syntax.characters import refuse_placeholder
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.line_reader import IfconfigReader
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.shell_line import OWN_NAME, first_word, needs_shell_at, simple_commands
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.statements import Ifconfig, ShellCommand, Step
from netstart_wg.syntax.words import Word, join_blanks

_IFCONFIG = frozenset({"ifconfig", "/sbin/ifconfig"})
_NOTHING = frozenset({"true", ":"})

_BLANKS = " \t"
_ENDS_A_COMMAND = frozenset("|;&<>")


class _Kind(enum.Enum):
    """What a simple command is."""

    IFCONFIG = "ifconfig"
    """About the interface itself."""
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
        return ShellCommand(text_of(line), self._steps(line))

    def _steps(self, line: LogicalLine) -> tuple[Step, ...]:
        """Return what the line was understood as, nothing if it is for a shell."""
        if "ifconfig" not in line.text:
            return ()
        start = line.text.index("!") + 1
        try:
            return self._understand(line, start)
        except Mistake as mistake:
            span = line.span(mistake.start, mistake.end)
            self._findings.add(mistake.message, span, **mistake.values)
            return ()

    def _understand(self, line: LogicalLine, start: int) -> tuple[Step, ...]:
        found = simple_commands(line.text, start)
        if found is None:
            self._refuse_shell(line.text, start)
            return ()
        commands = [[self._named(word) for word in words] for words in found]
        kinds = [self._kind(words) for words in commands]
        if not {_Kind.IFCONFIG} & set(kinds):
            return ()
        if _Kind.OTHER in kinds:
            other = commands[kinds.index(_Kind.OTHER)][0]
            raise Mistake.about(other, Message.MIXED_COMMANDS)
        steps: list[Step] = []
        for words, kind in zip(commands, kinds, strict=True):
            for word in words:
                refuse_placeholder(line.text, word.start)
            if kind is _Kind.IFCONFIG:
                steps.append(Ifconfig(self._reader.read_words(line, words[2:])))
        return tuple(steps)

    def _kind(self, words: Sequence[Word]) -> _Kind:
        program = words[0].value
        if program in _IFCONFIG and [word.value for word in words[1:2]] == [self._interface]:
            return _Kind.IFCONFIG if words[2:] else _Kind.OTHER
        return _Kind.NOTHING if program in _NOTHING else _Kind.OTHER

    def _refuse_shell(self, text: str, start: int) -> None:
        """Raise Mistake if a line that takes a shell begins with one of our commands."""
        program = first_word(text, start)
        if program is None or not self._is_ours(program, text):
            return
        place = needs_shell_at(text, start)
        assert place is not None, "otherwise its words would be known"
        refuse_placeholder(text, place)
        character = f'"{text[place : place + 1]}"'
        raise Mistake(Message.NEEDS_SHELL, place, place + 1, character=character, program=program)

    def _is_ours(self, program: Word, text: str) -> bool:
        if program.value not in _IFCONFIG:
            return False
        name = first_word(text, program.end)
        if name is None or self._named(name).value != self._interface:
            return False
        rest = text[name.end :].lstrip(_BLANKS)
        return bool(rest) and rest[0] not in _ENDS_A_COMMAND

    def _named(self, word: Word) -> Word:
        return word._replace(value=word.value.replace(OWN_NAME, self._interface))


def text_of(line: LogicalLine) -> str:
    """Return what a `!` line says to a shell."""
    return join_blanks(line.text.lstrip(_BLANKS)[1:]).strip(_BLANKS)
