"""What was found wrong with one file, on the way to whoever reads it.

Every message about a place passes through here, and here secrets are hidden.
Long lines and long lists are cut, so that a message is never larger than the
mistake deserves.
"""

from __future__ import annotations

from collections.abc import Iterable

from netstart_wg.errors import ConfigError
from netstart_wg.model.source import Diagnostic, Severity, Span
from netstart_wg.syntax.masking import mask
from netstart_wg.syntax.messages import Message, MessageTable
from netstart_wg.syntax.source import LogicalLine, SourceText
from netstart_wg.syntax.words import Word

LIMIT = 100
"""Errors, and warnings, of one file that are shown."""

_LINE_LIMIT = 1000
"""Characters of a physical line that are shown."""
_MASK_LIMIT = 1 << 20
"""Characters of a logical line in which secrets are looked for; a longer one is not shown."""
_WORD_LIMIT = 60


class Findings:
    """Collects diagnostics about one file."""

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._errors: list[Diagnostic] = []
        self._warnings: list[Diagnostic] = []
        self._masked: tuple[int, str] | None = None
        self.is_whole = True
        """Whether no message said that something has not happened."""

    @property
    def file_name(self) -> str:
        """What messages call the file."""
        return self._source.name

    @property
    def has_room(self) -> bool:
        """Whether another error would still be shown."""
        return len(self._errors) <= LIMIT

    def add(self, message: MessageTable, span: Span, **values: object) -> None:
        """Note a message; a Word among the values is put in quotes, or hidden."""
        self.is_whole = self.is_whole and not message.value.is_failure
        is_error = message.value.severity is Severity.ERROR
        list_ = self._errors if is_error else self._warnings
        if len(list_) > LIMIT:
            return
        if len(list_) == LIMIT:
            more = Message.MORE_ERRORS if is_error else Message.MORE_WARNINGS
            list_.append(more.diagnostic(self._source.name, limit=LIMIT))
            return
        line = self._source.line_at(span.line)
        shown = {name: self._show(line, value) for name, value in values.items()}
        line_text = self._line_text(line, span)
        if line_text is not None:
            room = len(line_text) - span.column + 1
            span = Span(span.line, span.column, max(1, min(span.length, room)))
        list_.append(message.diagnostic(self._source.name, span, line_text, **shown))

    def line_text(self, span: Span) -> str | None:
        """Return the physical line of a place as it may be shown; None if it is too long."""
        return self._line_text(self._source.line_at(span.line), span)

    def raise_errors(self) -> None:
        """Raise ConfigError with all errors, if there are any."""
        if self._errors:
            raise ConfigError(in_file_order(self._errors))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """All errors, in the order they were noted."""
        return tuple(self._errors)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """All warnings, in the order they were noted."""
        return tuple(self._warnings)

    def _mask(self, line: LogicalLine) -> str | None:
        if len(line.text) > _MASK_LIMIT:
            return None
        if self._masked is None or self._masked[0] != line.number:
            self._masked = (line.number, mask(line.text))
        return self._masked[1]

    def _line_text(self, line: LogicalLine, span: Span) -> str | None:
        masked = self._mask(line)
        if masked is None or span.column > _LINE_LIMIT:
            return None
        index = span.line - line.number
        start, end = line.stretch(index)
        continuation = "\\" if index < len(line.joins) else ""
        return (masked[start:end] + continuation)[:_LINE_LIMIT]

    def _show(self, line: LogicalLine, value: object) -> object:
        if not isinstance(value, Word):
            return value
        masked = self._mask(line)
        if masked is None:
            return '"..."'
        shown = masked[value.start : value.end]
        return quote(value.value if shown == value.raw else shown)


def in_file_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by place; what is about the file as a whole comes last."""
    return tuple(sorted(diagnostics, key=_place))


def quote(text: str) -> str:
    """Put a text that is not secret in quotes, fit for a terminal."""
    if len(text) > _WORD_LIMIT:
        text = text[: _WORD_LIMIT - 3] + "..."
    return '"' + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text) + '"'


def _place(diagnostic: Diagnostic) -> tuple[bool, Span]:
    return diagnostic.span is None, diagnostic.span or Span(1, 1)
