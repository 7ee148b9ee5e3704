"""Hide what may be a key before a line is shown to anybody.

Hidden are: what follows wgkey and wgpsk, and words so close to these that they
may be meant, up to a whole key or the next keyword; and whatever looks like 32 bytes in base64
or hexadecimal, unless it directly follows wgpeer or -wgpeer, where public keys
stand.  A line that is shown is usually a broken one, so it is looked at twice:
as words with their quotes, and as pieces between blanks, quotes or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from netstart_wg.syntax.keywords import KEYWORDS, SECRET_KEYWORDS, nearest

_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/_-]{40,}+=*+")
_QUOTED_PIECE = re.compile(
    r"""(?: [^\s\x00-\x1f"'\\]++ | \\.? | "(?:[^"\\]++|\\.?)*(?:"|$) | '[^']*+(?:'|$) )+""",
    re.VERBOSE,
)
_BARE_PIECE = re.compile(r"[^\s\x00-\x1f]++")
_ASSIGNMENT = re.compile(
    r"(?:wgkey|wgpsk|private[_-]?key|preshared[_-]?key)[^\sa-z0-9]*[=:](\S+)", re.IGNORECASE
)
_QUOTING = re.compile(r"""\\(.)|["'\\]""")
_NOT_PART_OF_A_KEYWORD = "\"'`\\#!$<>|;&(){}[],=:"

_SECRET_WORDS = SECRET_KEYWORDS | {
    "privatekey",
    "private_key",
    "private-key",
    "presharedkey",
    "preshared_key",
    "preshared-key",
    "psk",
}
_LETTERS_OF_SECRETS = frozenset("wgkeyps")
_Stretch = tuple[int, int]


def mask(text: str) -> str:
    """Return the text with as many asterisks in place of each secret."""
    characters = list(text)
    for start, end in secret_stretches(text):
        characters[start:end] = "*" * (end - start)
    return "".join(characters)


def secret_stretches(text: str) -> Iterator[_Stretch]:
    """Yield where `mask` puts asterisks; stretches may overlap."""
    for match in _ASSIGNMENT.finditer(text):
        yield match.span(1)
    quoted = ((match, _unquote(match.group())) for match in _QUOTED_PIECE.finditer(text))
    yield from _secret_pieces(quoted)
    bare = (
        (match, match.group().strip(_NOT_PART_OF_A_KEYWORD)) for match in _BARE_PIECE.finditer(text)
    )
    yield from _secret_pieces(bare)


def _secret_pieces(pieces: Iterable[tuple[re.Match[str], str]]) -> Iterator[_Stretch]:
    """Find the secrets among the pieces of a line; each comes with what it says."""
    known: dict[str, bool] = {}
    is_argument = False
    previous = ""
    for match, word in pieces:
        if word in KEYWORDS or match.group().startswith("#"):
            is_argument = False
        if is_argument:
            yield match.span()
            is_argument = not _KEY_MATERIAL.search(word)
        elif previous.lstrip("-") != "wgpeer" or not _KEY_MATERIAL.fullmatch(word):
            yield from _key_material(match, word)
        if word not in known:
            known[word] = _introduces_a_secret(word)
        is_argument = is_argument or known[word]
        previous = word


def _key_material(piece: re.Match[str], word: str) -> Iterator[_Stretch]:
    found = [match.span() for match in _KEY_MATERIAL.finditer(piece.group())]
    if not found and _KEY_MATERIAL.search(word):
        found = [(0, len(piece.group()))]
    for start, end in found:
        yield piece.start() + start, piece.start() + end


def _introduces_a_secret(word: str) -> bool:
    lowered = word.lower()
    if lowered in _SECRET_WORDS:
        return True
    if word in KEYWORDS or not 3 <= len(word) <= 9:
        return False
    # Comparing with every keyword is slow; most words have nothing in common with these two.
    if len(_LETTERS_OF_SECRETS.intersection(lowered)) < 3:
        return False
    return nearest(word) in SECRET_KEYWORDS


def _unquote(piece: str) -> str:
    return _QUOTING.sub(r"\1", piece)
