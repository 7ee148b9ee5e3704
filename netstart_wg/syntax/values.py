"""Single words as numbers, keys and texts; each function raises Mistake about its word."""

from __future__ import annotations

import re
from typing import TypeVar

from netstart_wg.model.keys import Key
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.words import Word

AnyKey = TypeVar("AnyKey", bound=Key)

TEXT_LIMIT_BYTES = 63
"""Of a description: OpenBSD's IFDESCRSIZE without its NUL."""

GROUP_LIMIT_BYTES = 15
"""IFNAMSIZ without its NUL."""

_GROUP = re.compile(r"[^\s,\x00-\x1f\x7f]*[^\s,\x00-\x1f\x7f0-9]")
_NUMBER = re.compile(r"(?P<sign>[+-]?)0*(?P<digits>[0-9]+)")
_ENOUGH_DIGITS = 10


def number(word: Word, what: str, keyword: str, low: int, high: int) -> int:
    """Read a decimal number (strtonum(3)) of at most ten digits."""
    text = word.value
    is_plain = len(text) <= _ENOUGH_DIGITS and text.isascii() and text.isdigit()
    if is_plain and low <= (plain := int(text)) <= high:
        return plain
    match = _NUMBER.fullmatch(text)
    limits = {"what": what, "keyword": keyword, "low": low, "high": high}
    if match is None:
        raise Mistake.about(word, Message.NOT_A_NUMBER, **limits)
    is_short = len(match["digits"]) <= _ENOUGH_DIGITS
    if not is_short or not low <= (value := int(match["sign"] + match["digits"])) <= high:
        raise Mistake.about(word, Message.OUT_OF_RANGE, **limits)
    return value


def key(word: Word, kind: type[AnyKey], message: Message, keyword: str) -> AnyKey:
    """Read a key in base64; the message is the one for what is none."""
    try:
        return kind.from_base64(word.value)
    except ValueError as error:
        raise Mistake.about(word, message, keyword=keyword, reason=str(error)) from None


def text(word: Word) -> tuple[str | None, bool]:
    """Read a description: at most 63 bytes, None if it is empty; and whether it was longer."""
    octets = word.value.encode("utf-8")
    kept = octets[:TEXT_LIMIT_BYTES].decode("utf-8", "ignore")
    return kept or None, len(octets) > TEXT_LIMIT_BYTES


def group_name(word: Word) -> str:
    """Read the name of a group of interfaces."""
    name = word.value
    if len(name.encode("utf-8")) > GROUP_LIMIT_BYTES or not _GROUP.fullmatch(name):
        raise Mistake.about(word, Message.BAD_GROUP)
    return name
