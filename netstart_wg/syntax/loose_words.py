"""Words that stand where a keyword should: what was probably meant."""

from __future__ import annotations

import re

from netstart_wg.syntax.keywords import KEYWORDS, Place, nearest
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.refused import REFUSED
from netstart_wg.syntax.words import Word

_LIKE_AN_ADDRESS = re.compile(
    r"(?:[0-9]+(?:\.[0-9]*)+|0[xX][0-9a-fA-F]+"
    r"|[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%[^/]*)?)(?:/.*)?"
)
_FIRST_WORDS = frozenset(word.name for word in KEYWORDS.values() if word.place is Place.FAMILY)
_TEXT_KEYWORDS = frozenset({"description", "descr", "wgdescr", "wgdescription"})


def has_no_place(word: Word) -> bool:
    """Say whether a word can be nothing without a keyword, not even a mistyped value."""
    return word.raw in REFUSED or word.raw in _FIRST_WORDS or word.raw.startswith("!")


def misplaced(word: Word, previous: Word | None) -> Mistake:
    """Say what is wrong with a word that is no keyword; `previous` is the keyword before it."""
    if word.raw in _FIRST_WORDS:
        return Mistake.about(word, Message.NOT_FIRST)
    if word.raw.startswith("!"):
        return Mistake.about(word, Message.COMMAND_NOT_FIRST)
    if word.value in KEYWORDS:  # and yet none to the grammar
        return Mistake.about(word, Message.QUOTED_KEYWORD)
    is_after_text = previous is not None and previous.value in _TEXT_KEYWORDS
    if not is_after_text and (refusal := REFUSED.get(word.value)) is not None:
        values = {"reason": refusal.reason, "advice": refusal.hint}
        return Mistake.about(word, Message.MEANINGLESS, **values)
    if (guess := nearest(word.value)) is not None:
        return Mistake.about(word, Message.MISSPELT_KEYWORD, nearest=guess)
    if previous is not None and is_after_text:
        return Mistake.about(word, Message.UNQUOTED_TEXT, keyword=previous.value)
    if previous is None:
        return Mistake.about(word, Message.UNKNOWN_KEYWORD)
    keyword = KEYWORDS[previous.value]
    return Mistake.about(word, Message.UNEXPECTED_WORD, keyword=keyword.name, usage=keyword.usage)


def is_address(word: Word) -> bool:
    """Say whether a word without a keyword is meant as the interface's address."""
    return _LIKE_AN_ADDRESS.fullmatch(word.value) is not None
