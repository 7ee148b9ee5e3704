"""A mistake in one logical line, on its way from where it is noticed to where it is noted."""

from __future__ import annotations

from typing import Self

from netstart_wg.syntax.messages import MessageTable
from netstart_wg.syntax.words import Word


class Mistake(Exception):  # noqa: N818  (the user's error, not ours)
    """Raised by whatever looks at a part of a line; never leaves this package."""

    def __init__(self, message: MessageTable, start: int, end: int, **values: object) -> None:
        """Say what is wrong with text[start:end] of the line."""
        super().__init__(message.name)
        self.message = message
        self.start = start
        self.end = end
        self.values = values
        self.word: Word | None = None

    @classmethod
    def about(cls, word: Word, message: MessageTable, **values: object) -> Self:
        """Say what is wrong with a word; the message's template may name it as `word`."""
        mistake = cls(message, word.start, word.end, word=word, **values)
        mistake.word = word
        return mistake
