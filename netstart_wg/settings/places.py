"""Where the keys and values of a TOML document stand: tomllib says what it means, but not where.

The document is one that tomllib has read, so nothing here looks for mistakes.
What a quoted key says is tomllib's to decode, too.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field

from netstart_wg.model.source import Span

Path = tuple[str | int, ...]
"""The way to a value: the keys of tables, and the numbers of an array's items from 0."""

_BLANK = re.compile(r"[ \t\n]*(?:#[^\n]*[ \t\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_STRING = re.compile(
    r'''"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}|"(?:[^"\\]|\\.)*"'''
    r"""|\'{3}(?:[^']|'{1,2}(?!'))*'{3,5}|'[^']*'""",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]+")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything in a document stands."""

    text: str = field(repr=False)
    keys: dict[Path, Stretch] = field(default_factory=dict)
    """Where each key is first named, without its dots and brackets; of what is in a table of
    an array of tables, where that table begins."""
    values: dict[Path, Stretch] = field(default_factory=dict)
    """Of whatever stands behind an equals sign, and of the items of arrays."""
    line_starts: list[int] = field(default_factory=list, repr=False)
    """Worked out when somebody asks for a place."""

    def span(self, stretch: Stretch) -> Span:
        """Return a stretch as far as it is on one line."""
        if not self.line_starts:
            ends = re.finditer("\n", self.text)
            self.line_starts.extend([0, *(match.end() for match in ends)])
        line = bisect_right(self.line_starts, stretch.start)
        end = self.text.find("\n", stretch.start, stretch.end)
        length = (stretch.end if end < 0 else end) - stretch.start
        return Span(line, stretch.start - self.line_starts[line - 1] + 1, max(1, length))


def find_places(text: str) -> Places:
    """Return where everything stands in a text that tomllib reads, without carriage returns."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.places


class _Scanner:
    """Goes through a document once; each method takes what it is named after."""

    def __init__(self, text: str) -> None:
        self.places = Places(text)
        self._text = text
        self._at = 0
        self._items: dict[Path, int] = {}
        """Arrays of tables → the number of the table that was begun last."""

    def document(self) -> None:
        table: Path = ()
        self._blank()
        while self._at < len(self._text):
            if self._takes("[["):
                table = self._header(is_item=True)
            elif self._takes("["):
                table = self._header(is_item=False)
            else:
                self._pair(table)
            self._blank()

    def _header(self, *, is_item: bool) -> Path:
        parts = self._dotted_key()
        self._at += 2 if is_item else 1
        path: Path = ()
        for index, (name, stretch) in enumerate(parts):
            path = (*path, name)
            self.places.keys.setdefault(path, stretch)
            if is_item and index == len(parts) - 1:
                self._items[path] = self._items.get(path, -1) + 1
            if path in self._items:
                path = (*path, self._items[path])
                self.places.keys.setdefault(path, stretch)
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for name, stretch in self._dotted_key():
            path = (*path, name)
            self.places.keys.setdefault(path, stretch)
        self._takes("=")
        self._blank()
        self._value(path)

    def _dotted_key(self) -> list[tuple[str, Stretch]]:
        parts = [self._key()]
        while self._takes("."):
            parts.append(self._key())
        return parts

    def _key(self) -> tuple[str, Stretch]:
        self._blank()
        stretch = self._match(_KEY)
        self._blank()
        raw = self._text[stretch.start : stretch.end]
        name: str = tomllib.loads(f"key = {raw}")["key"] if raw[0] in "\"'" else raw
        return name, stretch

    def _value(self, path: Path) -> None:
        start = self._at
        if self._takes("["):
            self._array(path)
        elif self._takes("{"):
            self._inline_table(path)
        elif self._text[start] in "\"'":
            self._match(_STRING)
        else:
            bare = self._match(_BARE)
            self._at = start + len(self._text[bare.start : bare.end].rstrip())
        self.places.values[path] = Stretch(start, self._at)

    def _array(self, path: Path) -> None:
        self._blank()
        index = 0
        while not self._takes("]"):
            self._value((*path, index))
            index += 1
            self._separator()

    def _inline_table(self, path: Path) -> None:
        self._blank()
        while not self._takes("}"):
            self._pair(path)
            self._separator()

    def _separator(self) -> None:
        self._blank()
        self._takes(",")
        self._blank()

    def _blank(self) -> None:
        self._match(_BLANK)

    def _takes(self, text: str) -> bool:
        """Go behind a text if it stands here."""
        is_here = self._text.startswith(text, self._at)
        self._at += len(text) * is_here
        return is_here

    def _match(self, pattern: re.Pattern[str]) -> Stretch:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError("no document that tomllib reads")
        self._at = match.end()
        return Stretch(*match.span())
