"""`netstart-wg check`: what is wrong with hostname files and settings, or odd about them.

It looks at files only: it takes no root, asks neither the kernel nor an engine
nor a name server, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.output import Output, for_each
from netstart_wg.errors import ConfigError, ExitStatus
from netstart_wg.model.source import Diagnostic, Severity
from netstart_wg.render.diagnostics import render_errorformat, render_json, render_text
from netstart_wg.settings.read import read_settings
from netstart_wg.syntax.check import Look, check
from netstart_wg.syntax.openbsd import differences
from netstart_wg.syntax.source import SourceText
from netstart_wg.system.hostname_files import interface_of
from netstart_wg.system.names import service_port
from netstart_wg.system.paths import SETTINGS_NAME

DEFAULT_INTERFACE = "wg0"
"""Whom a file is about whose name does not tell."""

Render = Callable[[Sequence[str], Sequence[Diagnostic]], str]
"""Files and messages to text; empty if there is nothing to print."""

FORMATS: dict[str, Render] = {
    "text": lambda _, diagnostics: render_text(diagnostics),
    "json": render_json,
    "errorformat": lambda _, diagnostics: render_errorformat(diagnostics),
}


CheckFile = Callable[[Path], Sequence[Diagnostic]]


def print_check(
    paths: Sequence[Path], check_file: CheckFile, render: Render, output: Output
) -> ExitStatus:
    """Print every message about the files; CONFIG if there is an error among them.

    A file that takes root to read is told to a person, and does not concern the others.
    """
    diagnostics: list[Diagnostic] = []

    def look(path: Path) -> ExitStatus:
        found = check_file(path)
        diagnostics.extend(found)
        is_wrong = any(diagnostic.severity is Severity.ERROR for diagnostic in found)
        return ExitStatus.CONFIG if is_wrong else ExitStatus.OK

    status = for_each(paths, look, output)
    text = render([str(path) for path in paths], diagnostics)
    if text:
        output.say(text)
    return status


def check_file(path: Path) -> Sequence[Diagnostic]:
    """Return what there is to say about a file; raise PermissionDeniedError."""
    return _check_file(path, ())


def check_file_for_openbsd(path: Path) -> Sequence[Diagnostic]:
    """As `check_file`, and warn of what OpenBSD's netstart(8) would read differently."""
    return _check_file(path, (differences,))


def _check_file(path: Path, further: Sequence[Look]) -> Sequence[Diagnostic]:
    try:
        source = SourceText.read(path)
    except ConfigError as error:
        return error.diagnostics
    if path.name.startswith(SETTINGS_NAME):
        return _check_settings(source)
    interface = interface_of(path) or DEFAULT_INTERFACE
    return check(source, interface, derive_public_key, further, service_port)


def _check_settings(source: SourceText) -> Sequence[Diagnostic]:
    try:
        read_settings(source)
    except ConfigError as error:
        return error.diagnostics
    return ()
