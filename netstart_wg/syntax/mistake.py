"""A mistake in one logical line, on its way from where it is noticed to where it is noted."""

from __future__ import annotations

from collections.abc import Sequence
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
        self.others: Sequence[Mistake] = ()
        """Further ones of the same line that do not follow from this one."""

    @classmethod
    def about(cls, word: Word, message: MessageTable, **values: object) -> Self:
        """Say what is wrong with a word; the message's template may name it as `word`."""
        mistake = cls(message, word.start, word.end, word=word, **values)
        mistake.word = word
        return mistake

    @classmethod
    def together(cls, mistakes: Sequence[Mistake]) -> Mistake:
        """Return the first of several, which takes the others along."""
        first, *first.others = mistakes
        return first

    def as_message(self, message: MessageTable, **values: object) -> Mistake:
        """Return the same mistake told in other words."""
        told = Mistake(message, self.start, self.end, **{**self.values, **values})
        told.word, told.others = self.word, self.others
        return told
