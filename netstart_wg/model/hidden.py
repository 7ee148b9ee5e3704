"""Hide keys and passwords in commands, and keys in what they print.

A key is recognized by its looks, anything else only by the word before it: what
is neither is shown, and belongs into a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

HIDDEN = "(hidden)"

_KEY = re.compile(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}="  # base64
    r"|(?<![A-Za-z0-9])[0-9A-Fa-f]{64}(?![A-Za-z0-9])"
)
"""Thirty-two bytes, in the middle of a text."""

_VALUE = r"""(?:"[^"]*"?|'[^']*'?|[^\s"';|&()<>])+"""
_NAMED_SECRET = re.compile(
    r"(?<![A-Za-z])(?P<name>(?:passwd|password|passphrase|secret|token|psk)[\"']?(?:\s*[=:]\s*|\s+))"
    + _VALUE,
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(?P<name>://[^\s/@:]*:)[^\s/@]+(?=@)")
"""`https://user:password@host`."""


def secret_stretches(text: str) -> Iterator[tuple[int, int]]:
    """Yield where `hide_secrets` would hide something; stretches may overlap."""
    for pattern in (_NAMED_SECRET, _LOGIN):
        for match in pattern.finditer(text):
            yield match.end("name"), match.end()
    for match in _KEY.finditer(text):
        yield match.span()


def hide_keys(text: str) -> str:
    """Return the text without what looks like a key, private or public."""
    return _KEY.sub(HIDDEN, text)


def hide_secrets(text: str) -> str:
    """Return a command without what looks like a key, or is called a password and the like."""
    for pattern in (_NAMED_SECRET, _LOGIN):
        text = pattern.sub(rf"\g<name>{HIDDEN}", text)
    return hide_keys(text)
