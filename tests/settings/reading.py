"""How the tests here read a netstart-wg.toml."""

from __future__ import annotations

from netstart_wg.errors import ConfigError
from netstart_wg.model.settings import Settings
from netstart_wg.settings.read import read_settings
from netstart_wg.syntax.source import SourceText


def settings(text: str) -> Settings:
    """Return what a good file asks for."""
    return read_settings(SourceText.from_text("toml", text))


def said(text: str) -> list[str]:
    """Return all that is wrong with a file, one text for each mistake."""
    try:
        settings(text)
    except ConfigError as error:
        return [diagnostic.format() for diagnostic in error.diagnostics]
    return []


def first_lines(text: str) -> list[str]:
    """Return the places and messages alone."""
    return [each.split("\n")[0] for each in said(text)]
