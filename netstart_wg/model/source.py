"""Places in a file, and messages about them."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one physical line; lines and columns count from 1, columns in characters."""

    line: int
    column: int
    length: int = 1
    """Characters, at least 1."""


Subject = tuple[str, ...]
"""What a file says something about: `("mtu",)`, `("wgpeer", KEY)`, `("wgaip", KEY, NETWORK)`.

The words are those of the file, values as they are printed; `syntax/places.py` has them all.
"""


class Severity(enum.Enum):
    """How bad it is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A message about a place in a file.  Never contains a key."""

    severity: Severity = Severity.ERROR
    file: str
    span: Span | None
    """None: about the file as a whole."""
    message: str
    """What is wrong, lower case, no full stop."""
    hint: str | None = None
    """What was expected, or the nearest keyword."""
    line_text: str | None = None
    """The physical line, secrets already replaced by as many asterisks."""

    def format(self) -> str:
        """Return `file:line:column: message`, the line, a caret, and the hint, as one text."""
        if self.span is None:
            return self.format_after(self.file)
        return self.format_after(f"{self.file}:{self.span.line}:{self.span.column}")

    def format_after(self, place: str) -> str:
        """Return the same with another beginning, for words that are in no file."""
        kind = "" if self.severity is Severity.ERROR else f"{self.severity.value}: "
        text = f"{place}: {kind}{self.message}"
        if self.span is not None and self.line_text is not None:
            shown = "".join(c if c.isprintable() else " " for c in self.line_text)
            indent = " " * (self.span.column - 1)
            text += f"\n    {shown}\n    {indent}{'^' * self.span.length}"
        return text + self._hint()

    def _hint(self) -> str:
        return f"\n    hint: {self.hint}" if self.hint else ""
