"""Text to what it means, for the tests of the fold."""

from __future__ import annotations

from netstart_wg.model.config import InterfaceConfig
from netstart_wg.syntax.lower import Lowered, lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from tests.syntax.x25519 import derive_public_key


def lowered(text: str, name: str = "wg0", onto: InterfaceConfig | None = None) -> Lowered:
    """Read a file that is in order."""
    file = parse(SourceText.from_text(f"hostname.{name}", text), name)
    return lower(file, name, derive_public_key, onto)


def config(text: str, onto: InterfaceConfig | None = None) -> InterfaceConfig:
    """Return what a file asks for."""
    return lowered(text, onto=onto).config


def warnings(text: str, onto: InterfaceConfig | None = None) -> list[str]:
    """Return what is odd about a file, each as place and message."""
    found = lowered(text, onto=onto).warnings
    return [
        f"{warning.span.line}:{warning.span.column}: {warning.message}"
        for warning in found
        if warning.span is not None
    ]
