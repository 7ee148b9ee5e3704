"""The text of a file, as logical lines that know where they came from.

A backslash at the end of a line joins it with the next one, with nothing put in
between and before anything else is looked at, comments included: hostname.if(5)
read by netstart(8).  A carriage return at the end of a line is dropped, a byte
order mark at the beginning of the file too, and a last line without a newline
counts like any other: OpenBSD trips over these, but what is meant is evident.
"""

from __future__ import annotations

import errno
import os
import stat
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NoReturn, Self

from netstart_wg.errors import ConfigError, PermissionDeniedError
from netstart_wg.model.source import Span
from netstart_wg.syntax.messages import Message

LIMIT_BYTES = 16 * 1024 * 1024

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """A line with its continuations, without the backslashes that joined them."""

    text: str = field(repr=False)
    number: int
    """Of its first physical line, from 1."""
    joins: tuple[int, ...] = ()
    """Where in `text` each further physical line begins."""

    @property
    def next_number(self) -> int:
        """Of the physical line behind its last one."""
        return self.number + len(self.joins) + 1

    def span(self, start: int, end: int) -> Span:
        """Return where text[start:end] stands, as far as it is on one physical line."""
        if not self.joins:
            return Span(self.number, start + 1, max(1, end - start))
        index = bisect_right(self.joins, start)
        first, last = self.stretch(index)
        return Span(self.number + index, start - first + 1, max(1, min(end, last) - start))

    def stretch(self, index: int) -> tuple[int, int]:
        """Return which part of `text` the physical line number + index is."""
        first = self.joins[index - 1] if index else 0
        last = self.joins[index] if index < len(self.joins) else len(self.text)
        return first, last


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file that was read, or a text given in its place."""

    name: str
    """What messages call it."""
    physical_lines: tuple[str, ...] = field(repr=False)
    """Without what ends them."""
    has_byte_order_mark: bool = False
    carriage_returns: tuple[int, ...] = field(default=(), repr=False)
    """The numbers of the lines that ended in one."""
    ends_in_newline: bool = True

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; raise ConfigError, or PermissionDeniedError if only root may."""
        name = str(path)
        octets = _read_octets(path, name)
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError as error:
            _refuse_octets(name, octets, error.start)
        return cls.from_text(name, text)

    @classmethod
    def from_text(cls, name: str, text: str) -> Self:
        """Take a text; raise ConfigError if it is over 16 MiB, has a NUL or is not Unicode."""
        has_byte_order_mark = text.startswith(_BYTE_ORDER_MARK)
        text = text.removeprefix(_BYTE_ORDER_MARK)
        try:
            size_bytes = len(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            octets = text.encode("utf-8", "surrogatepass")
            _refuse_octets(name, octets, len(text[: error.start].encode("utf-8")))
        if size_bytes > LIMIT_BYTES:
            _refuse(Message.TOO_LARGE, name, limit=LIMIT_BYTES >> 20)
        if (nul := text.find("\0")) >= 0:
            _refuse(Message.NUL_CHARACTER, name, _span_of(text[:nul]))
        lines = _lines(text)
        return cls(
            name,
            tuple([line.removesuffix("\r") for line in lines]),
            has_byte_order_mark,
            tuple([number for number, line in enumerate(lines, 1) if line.endswith("\r")]),
            not text or text.endswith("\n"),
        )

    def text(self) -> str:
        """Return what was read, as it was."""
        lines = list(self.physical_lines)
        for number in self.carriage_returns:
            lines[number - 1] += "\r"
        if self.ends_in_newline and lines:
            lines.append("")
        return _BYTE_ORDER_MARK * self.has_byte_order_mark + "\n".join(lines)

    def lines(self) -> Iterator[LogicalLine]:
        """Yield the logical lines."""
        number = 1
        while number <= len(self.physical_lines):
            line = self._join(number)
            yield line
            number = line.next_number

    @property
    def ends_in_backslash(self) -> bool:
        """Whether the last line would be continued if there were another one."""
        return bool(self.physical_lines) and _is_continued(self.physical_lines[-1])

    def line_at(self, number: int) -> LogicalLine:
        """Return the logical line that the physical line `number` is part of."""
        while number > 1 and _is_continued(self.physical_lines[number - 2]):
            number -= 1
        return self._join(number)

    def _join(self, number: int) -> LogicalLine:
        """Return the logical line that begins with a physical line."""
        lines = self.physical_lines
        if not _is_continued(lines[number - 1]):
            return LogicalLine(lines[number - 1], number)
        end = number
        while end < len(lines) and _is_continued(lines[end - 1]):
            end += 1
        parts = [line[:-1] if _is_continued(line) else line for line in lines[number - 1 : end]]
        return LogicalLine("".join(parts), number, tuple(accumulate(map(len, parts[:-1]))))


def _read_octets(path: Path, name: str) -> bytes:
    try:
        octets = _read_regular_file(path, name)
    except PermissionError:
        diagnostic = Message.PERMISSION_DENIED.diagnostic(name)
        raise PermissionDeniedError(diagnostic.format()) from None
    except FileNotFoundError:
        _refuse(Message.NOT_FOUND, name)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):
            _refuse(Message.NOT_REGULAR, name)
        _refuse(Message.UNREADABLE, name, reason=str(error.strerror).lower())
    if len(octets) > LIMIT_BYTES:
        _refuse(Message.TOO_LARGE, name, limit=LIMIT_BYTES >> 20)
    return octets


def _read_regular_file(path: Path, name: str) -> bytes:
    """Return at most one byte more than the limit; raise OSError or ConfigError."""
    # Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            _refuse(Message.NOT_REGULAR, name)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(LIMIT_BYTES + 1)
    finally:
        os.close(descriptor)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _is_continued(line: str) -> bool:
    """Say whether the line ends in a backslash that no other backslash takes away."""
    return line.endswith("\\") and (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _span_of(text_before: str) -> Span:
    line_start = text_before.rfind("\n") + 1
    return Span(text_before.count("\n") + 1, len(text_before) - line_start + 1)


def _refuse_octets(name: str, octets: bytes, position: int) -> NoReturn:
    before = octets[:position].decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    _refuse(Message.NOT_UTF8, name, _span_of(before), byte=octets[position])


def _refuse(message: Message, name: str, span: Span | None = None, **values: object) -> NoReturn:
    raise ConfigError([message.diagnostic(name, span, None, **values)]) from None
