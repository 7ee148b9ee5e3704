"""Words that stand where a keyword should: what was probably meant."""

from __future__ import annotations

import re

from netstart_wg.syntax.keywords import KEYWORDS, NOT_YET, nearest
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.words import Word

_LIKE_AN_ADDRESS = re.compile(
    r"(?:[0-9]+(?:\.[0-9]*)+|[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%[^/]*)?)(?:/.*)?"
)
_TEXT_KEYWORDS = frozenset({"description", "descr", "wgdescr", "wgdescription"})


def misplaced(word: Word, previous: Word | None) -> Mistake:
    """Say what is wrong with a word that is no keyword; `previous` is the keyword before it."""
    if word.raw in ("inet", "inet6"):
        return Mistake.about(word, Message.FAMILY_NOT_FIRST)
    if word.raw == "alias":
        return Mistake.about(word, Message.ALIAS_MISPLACED)
    if word.raw.startswith("!"):
        return Mistake.about(word, Message.COMMAND_NOT_FIRST)
    if word.value in KEYWORDS:  # and yet none to the grammar
        return Mistake.about(word, Message.QUOTED_KEYWORD)
    if word.value in NOT_YET:
        return Mistake.about(word, Message.NOT_YET)
    if (guess := nearest(word.value)) is not None:
        return Mistake.about(word, Message.MISSPELT_KEYWORD, nearest=guess)
    if previous is not None and previous.value in _TEXT_KEYWORDS:
        return Mistake.about(word, Message.UNQUOTED_TEXT, keyword=previous.value)
    if previous is None:
        return Mistake.about(word, Message.UNKNOWN_KEYWORD)
    keyword = KEYWORDS[previous.value]
    return Mistake.about(word, Message.UNEXPECTED_WORD, keyword=keyword.name, usage=keyword.usage)


def is_address(word: Word) -> bool:
    """Say whether a word without a keyword is meant as the interface's address."""
    return _LIKE_AN_ADDRESS.fullmatch(word.value) is not None
