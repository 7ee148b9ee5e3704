"""Route commands and hostname files as tests write them."""

from __future__ import annotations

from netstart_wg.errors import ConfigError
from netstart_wg.model.route import Route
from netstart_wg.model.source import Diagnostic
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.route_command import read_route
from netstart_wg.syntax.route_statement import RouteExec, RouteStatement
from netstart_wg.syntax.shell_line import simple_commands
from netstart_wg.syntax.source import LogicalLine, SourceText


def read(text: str) -> RouteStatement | RouteExec:
    """Read a command; raise Mistake."""
    commands = simple_commands(text, 0)
    assert commands is not None
    (words,) = commands
    return read_route(words, LogicalLine(text, 1))


def route(text: str) -> RouteStatement:
    """Read a command about one route."""
    statement = read(text)
    assert isinstance(statement, RouteStatement)
    return statement


def mistake(text: str) -> tuple[str, str]:
    """Return the name of a mistake, and what it is about."""
    try:
        read(text)
    except Mistake as found:
        return found.message.name, text[found.start : found.end]
    raise AssertionError("there is no mistake")


def warnings(statement: RouteStatement) -> list[str]:
    """Return the names of what is always warned of."""
    return [remark.message.name for remark in statement.remarks]


def differences(statement: RouteStatement) -> list[str]:
    """Return the names of what OpenBSD reads differently."""
    return [remark.message.name for remark in statement.differences]


def fold(text: str, name: str = "wg0") -> tuple[tuple[Route, ...], tuple[Diagnostic, ...]]:
    """Return the routes of a hostname file, and what is said about it."""
    try:
        file = parse(SourceText.from_text(f"hostname.{name}", text), name)
        lowered = lower(file, name)
    except ConfigError as error:
        return (), error.diagnostics
    return lowered.config.routes, lowered.warnings
