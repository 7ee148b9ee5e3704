"""The words of one ifconfig(8) command as the grammar has them.

`wgendpoint HOST:PORT` is one word to the eye and two in meaning; OpenBSD knows
it only as two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from netstart_wg.syntax.address_values import split_host_and_port
from netstart_wg.syntax.grammar import word_splitter
from netstart_wg.syntax.words import Word, Words

_MAY_BE_JOINED = re.compile(r"wgendpoint[ \t]+[^ \t]+:")


def line_words(text: str) -> Words:
    """Take a line apart."""
    found = word_splitter().split(text)
    if ":" not in text or not _MAY_BE_JOINED.search(text):
        return found
    return found._replace(words=separate_endpoints(found.words))


def separate_endpoints(words: Sequence[Word]) -> list[Word]:
    """Make two words of each HOST:PORT after wgendpoint."""
    separated: list[Word] = []
    previous = ""
    for word in words:
        halves = split_host_and_port(word) if previous == "wgendpoint" else None
        separated += halves or (word,)
        previous = word.raw
    return separated
