"""Characters that cannot stand where they stand: which mistake they are."""

from __future__ import annotations

import re

from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake

_PLACEHOLDER = re.compile(r"<[^<>]++>|\{\{.*?\}\}|\{%.*?%\}")
_BROKEN_CONTINUATION = re.compile(r"(?<!\\)(?:\\\\)*\\[ \t]+$")
_EXPANSION_IN_QUOTES = re.compile(r'"(?:[^"\\$`]++|\\.)*(?P<character>[$`])')
_BLANKS = " \t"


def stray(text: str, position: int) -> Mistake:
    """Say what is wrong with the character at which a line could not be taken apart."""
    character = text[position]
    if character == '"' and (match := _EXPANSION_IN_QUOTES.match(text, position)):
        position = match.start("character")
        character = match["character"]
    match character:
        case '"' | "'":
            other = "'" if character == '"' else '"'
            values = {"quote": character, "other": other}  # the first for whoever closes it
            return Mistake(Message.UNCLOSED_QUOTE, position, position + 1, **values)
        case "$" | "`":
            message = Message.SHELL_EXPANSION
        case "<" | ">" | "|" | ";" | "&" | "(" | ")":
            message = Message.SHELL_OPERATOR
            if text[position:].strip() in (";", "&"):
                message = Message.SHELL_OPERATOR_AT_END
        case _:
            code = ord(character)
            return Mistake(Message.INVISIBLE_CHARACTER, position, position + 1, code=code)
    return Mistake(message, position, position + 1, character=f'"{character}"', bare=character)


def refuse_placeholder(text: str, position: int) -> None:
    """Raise Mistake for `<key>`, and for `{{ key }}` and `{% if key %}` of a template.

    It takes those of the rest of the line along.
    """
    if (first := _PLACEHOLDER.match(text, position)) is None:
        return
    comment = text.find(" #", first.end())
    others = _PLACEHOLDER.finditer(text, first.end(), len(text) if comment < 0 else comment)
    found = [first, *(match for match in others if text[match.start() - 1] in _BLANKS)]
    raise Mistake.together([Mistake(Message.PLACEHOLDER, *match.span()) for match in found])


def refuse_broken_continuation(text: str) -> None:
    """Raise Mistake for a line that ends in a backslash and blanks."""
    match = _BROKEN_CONTINUATION.search(text)
    if match is not None:
        position = match.start() + len(match.group().rstrip()) - 1
        raise Mistake(Message.BROKEN_CONTINUATION, position, position + 1)
