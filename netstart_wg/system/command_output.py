"""What a command prints, line by line, to whoever tells of it; of a flood only both ends.

However much there is, it is taken, so that the command is never held up by its
output; and no more of it is kept than the few lines that are told at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

LINE_LIMIT = 1000
"""Octets of a line that are told; of the rest it is told that there is one."""
FIRST_LINES = 100
"""How many lines are told at once, as they come."""
LAST_LINES = 20
"""How many are told at the end of a longer output: there it says why it failed."""

Tell = Callable[[str], None]
"""Takes one line, without its end."""


class OutputLines:
    """The octets that a command prints, on their way to lines of text."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._line = bytearray()
        """Of the line that has not ended yet, at most one octet more than are told."""
        self._told = 0
        self._later = 0
        """How many lines there were after those told."""
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def feed(self, octets: bytes) -> None:
        """Take what came; tell the lines that are complete with it."""
        while octets and self._told < FIRST_LINES:
            part, end, octets = octets.partition(b"\n")
            self._take(part)
            if end:
                self._end_line()
        if octets:
            self._skim(octets)

    def end(self) -> None:
        """Tell what is left: the last lines, and how many have been left out before them."""
        if self._line:
            self._end_line()
        if left_out := self._later - len(self._last):
            self._tell(f"({left_out} lines left out)")
        while self._last:
            self._tell(self._last.popleft())

    def _skim(self, octets: bytes) -> None:
        """Take only lines that can be among the last, and count the others.

        The first piece may be many lines; then enough follow to drive it out.
        """
        *pieces, rest = octets.rsplit(b"\n", LAST_LINES + 1)
        self._later += octets.count(b"\n") - len(pieces)
        for piece in pieces:
            self._take(piece)
            self._end_line()
        self._take(rest)

    def _take(self, part: bytes) -> None:
        self._line += part[: LINE_LIMIT + 1 - len(self._line)]

    def _end_line(self) -> None:
        line = _text_of(bytes(self._line))
        self._line.clear()
        if self._told < FIRST_LINES:
            self._told += 1
            self._tell(line)
        else:
            self._later += 1
            self._last.append(line)


def _text_of(line: bytes) -> str:
    """Return a line as text that does nothing to a terminal."""
    rest = " ..." if len(line) > LINE_LIMIT else ""
    text = line[:LINE_LIMIT].decode(errors="backslashreplace").rstrip("\r") + rest
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\t" else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
