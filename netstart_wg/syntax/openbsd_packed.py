"""Where OpenBSD's netstart(8) takes the words of a packed line for something else.

The words after `inet` and `inet6` have their meaning by their number, whatever
they say, and `dest` edits the command of the line before.
"""

from __future__ import annotations

from collections.abc import Iterator

from netstart_wg.syntax.difference import Difference, Spot
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.words import Word, Words

_ROLES = {
    "inet": ("address", "netmask", "broadcast address"),
    "inet6": ("address", "prefix length"),
}
_FORMS = {"inet": "inet ADDRESS NETMASK BROADCAST", "inet6": "inet6 ADDRESS LENGTH"}
_ADVICE = {
    **dict.fromkeys(
        ("netmask", "broadcast", "prefixlen"), "write the value without its keyword: {form}"
    ),
    "alias": "write alias directly after {family}",
    **dict.fromkeys(("delete", "-alias"), "say it to the interface: !ifconfig $if {family} ..."),
}
_OTHER_ADVICE = "begin a line of its own with {keyword}"


def packed_spots(text: str, found: Words) -> Iterator[Spot]:
    """Yield the first word of a line that is taken for something else."""
    family = found.words[0].raw
    first = 2 if [word.raw for word in found.words[1:2]] == ["alias"] else 1
    for place, role in enumerate(_ROLES.get(family, ()), first):
        if place == len(found.words):
            if found.comment is not None:
                yield _comment_spot(Difference.COMMENT_TAKEN, text, found.comment, role=role)
            return
        word = found.words[place]
        is_last = place + 1 == len(found.words) and found.comment is None
        if word.raw in KEYWORDS and not (role == "address" and is_last):
            yield _keyword_spot(word, family, role)
            return
        if word.value == "NONE" and role == "netmask":
            yield Spot.of(Difference.NONE_TAKEN, word)
            return
        if word.value == "NONE" and not word.raw.endswith("NONE"):
            yield Spot.of(Difference.QUOTED_NONE, word)


def dest_spots(text: str, found: Words, before: Words | None) -> Iterator[Spot]:
    """Yield what is odd about a line that begins with `dest`, given with the command before it."""
    if found.comment is not None:
        yield _comment_spot(Difference.DEST_IGNORED, text, found.comment)
        return
    words = [] if before is None else [word.raw for word in before.words]
    # The place is behind the fourth word, or behind an alias there: ifconfig wg0 inet ADDRESS.
    if words[:1] != ["inet"] and words[1:] not in ([], ["alias"]):
        yield Spot.of(Difference.DEST_MISPLACED, found.words[1])


def _keyword_spot(word: Word, family: str, role: str) -> Spot:
    advice = _ADVICE.get(word.raw, _OTHER_ADVICE).format(
        form=_FORMS[family], family=family, keyword=word.raw
    )
    return Spot.of(Difference.KEYWORD_TAKEN, word, role=role, advice=advice)


def _comment_spot(difference: Difference, text: str, comment: str, **values: object) -> Spot:
    return Spot(difference, len(text) - len(comment), len(text), values)
