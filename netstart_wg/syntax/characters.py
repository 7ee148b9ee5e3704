"""Characters that cannot stand where they stand: which mistake they are."""

from __future__ import annotations

import re

from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake

_PLACEHOLDER = re.compile(r"<[^<>]++>|\{\{.*?\}\}|\{%.*?%\}")
_BROKEN_CONTINUATION = re.compile(r"(?<!\\)(?:\\\\)*\\[ \t]+$")
_EXPANSION_IN_QUOTES = re.compile(r'"(?:[^"\\$`]++|\\.)*(?P<character>[$`])')


def stray(text: str, position: int) -> Mistake:
    """Say what is wrong with the character at which a line could not be taken apart."""
    character = text[position]
    if character == '"' and (match := _EXPANSION_IN_QUOTES.match(text, position)):
        position = match.start("character")
        character = match["character"]
    match character:
        case '"' | "'":
            return Mistake(Message.UNCLOSED_QUOTE, position, position + 1, quote=character)
        case "$" | "`":
            message = Message.SHELL_EXPANSION
        case "<" | ">" | "|" | ";" | "&" | "(" | ")":
            message = Message.SHELL_OPERATOR
        case _:
            code = ord(character)
            return Mistake(Message.INVISIBLE_CHARACTER, position, position + 1, code=code)
    return Mistake(message, position, position + 1, character=f'"{character}"', bare=character)


def refuse_placeholder(text: str, position: int) -> None:
    """Raise Mistake for `<key>`, and for `{{ key }}` and `{% if key %}` of a template."""
    match = _PLACEHOLDER.match(text, position)
    if match is not None:
        raise Mistake(Message.PLACEHOLDER, position, match.end())


def refuse_broken_continuation(text: str) -> None:
    """Raise Mistake for a line that ends in a backslash and blanks."""
    match = _BROKEN_CONTINUATION.search(text)
    if match is not None:
        position = match.start() + len(match.group().rstrip()) - 1
        raise Mistake(Message.BROKEN_CONTINUATION, position, position + 1)
