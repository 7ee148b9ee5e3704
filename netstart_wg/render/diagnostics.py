"""Messages about files: for people, for editors, for programs.

The JSON object is versioned: a field may be added under the same schema name;
one that goes away or changes its meaning takes the next number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from netstart_wg.model.source import Diagnostic, Span

SCHEMA = "netstart-wg/check/1"

_WHOLE_FILE = Span(1, 1)
"""Where an editor goes for a message that has no place."""


def render_text(diagnostics: Sequence[Diagnostic]) -> str:
    """Return each message with its line, a caret and the hint."""
    return "\n".join(diagnostic.format() for diagnostic in diagnostics)


def render_errorformat(diagnostics: Sequence[Diagnostic]) -> str:
    """Return `file:line:column: error|warning: message`, one line each."""
    return "\n".join(_one_line(diagnostic) for diagnostic in diagnostics)


def render_json(files: Sequence[str], diagnostics: Sequence[Diagnostic]) -> str:
    """Return one object; place and hint of a message are null where it has none."""
    document = {
        "schema": SCHEMA,
        "files": list(files),
        "diagnostics": [_object(diagnostic) for diagnostic in diagnostics],
    }
    return json.dumps(document, indent=2)


def _one_line(diagnostic: Diagnostic) -> str:
    span = diagnostic.span or _WHOLE_FILE
    place = f"{diagnostic.file}:{span.line}:{span.column}"
    return f"{place}: {diagnostic.severity.value}: {diagnostic.message}"


def _object(diagnostic: Diagnostic) -> dict[str, str | int | None]:
    span = diagnostic.span
    return {
        "file": diagnostic.file,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "length": span.length if span else None,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }
