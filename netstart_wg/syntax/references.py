"""A hostname file's text without its secrets: in place of each, something to know it by.

A reference is `(secret HOW:...)`, which is no word of the language.  A key is
known by its SHA-256, after clamping, so that an engine's key is the file's; what
people may have thought up themselves by scrypt (RFC 7914), which takes whoever
tries out passwords long.  Its salt is what stands before it in its line: the same
text always has the same references.

Whatever may be a secret gets a reference: between too many and too few, too many
do no harm, since what has one can be told by whoever still knows it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from netstart_wg.model.hidden import secret_stretches as stretches_of_command
from netstart_wg.model.keys import KEY_LENGTH, Key, PrivateKey
from netstart_wg.syntax.masking import secret_stretches

_REFERENCE = re.compile(r"\(secret (sha256|scrypt):([0-9a-f]{64})\)")
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
_KEY_MATERIAL = re.compile(r"(?P<public>\bwgpeer[ \t]+)?(?P<key>[A-Za-z0-9+/_-]{40,}=*)")
_ODD = re.compile(r"(?:[kK][eE][yY]|[pP][sS][kK])(?!\s+[A-Za-z0-9+/]{43}=(?:\s|$))|\\.")
"""What introduces a secret that may be written in some other way; a backslash in a line."""
_JOIN = re.compile(r"(?<=[^\s\\])\\\r?\n(?=\S)")
"""Two lines that are one in the middle of a word, and so perhaps of a key."""
_COMMENT = re.compile(r"(?:^|[ \t])#")
_SCRYPT_COST = 1 << 12


@dataclass(frozen=True, slots=True)
class MissingSecret:
    """A secret that nobody knows any more."""

    line: int
    """Of the text, from 1."""
    shown: str
    """That line, with the reference."""


def with_references(text: str) -> str:
    """Return the text with a reference in place of each secret."""
    return "\n".join(map(_with_references, _JOIN.sub("", text).split("\n")))


def secrets_of(text: str) -> Iterator[str]:
    """Yield every secret of a text."""
    for line in _JOIN.sub("", text).split("\n"):
        for start, end in _stretches(line):
            yield line[start:end]


def with_secrets(
    text: str, known: Iterable[str], keys: Iterable[Key] = ()
) -> tuple[str, tuple[MissingSecret, ...]]:
    """Return the text with the secrets in place of their references, and those that are unknown.

    In a comment an unknown one is no matter: its reference stays.
    """
    candidates = tuple(dict.fromkeys((*known, *(key.to_base64() for key in keys))))
    by_digest = {_key_digest(each): each for each in candidates if _KEY.fullmatch(each)}
    lines, missing = text.split("\n"), []
    for number, line in enumerate(lines, 1):
        for match in reversed(list(_REFERENCE.finditer(line))):
            secret = _find(match, line, by_digest, candidates)
            if secret is not None:
                lines[number - 1] = (
                    lines[number - 1][: match.start()] + secret + lines[number - 1][match.end() :]
                )
            elif not _COMMENT.search(line, 0, match.start()):
                missing.append(MissingSecret(number, line.strip()))
    return "\n".join(lines), tuple(dict.fromkeys(missing))


def _with_references(line: str) -> str:
    result, done = "", 0
    for start, end in _stretches(line):
        result += line[done:start]
        result += _reference_to(line[start:end], result)
        done = end
    return result + line[done:]


def _stretches(line: str) -> Iterator[tuple[int, int]]:
    """Yield where the secrets of a line are, in order, none within another."""
    if line.lstrip().startswith(("!", "#")):
        found = stretches_of_command(line)
    elif _ODD.search(line):
        found = secret_stretches(line)
    else:
        found = _plain_stretches(line)
    done = 0
    for first, last in sorted(found, key=lambda each: (each[0], -each[1])):
        if first < done:
            continue
        keys = list(_KEY.finditer(line, first, last))
        start, done = keys[0].span() if len(keys) == 1 else (first, last)
        yield start, done


def _plain_stretches(line: str) -> Iterator[tuple[int, int]]:
    """Yield what `secret_stretches` would, of a line whose keys are plain words: much sooner."""
    for match in _KEY_MATERIAL.finditer(line):
        if match["public"] is None:
            yield match.span()


def _find(
    match: re.Match[str],
    line: str,
    by_digest: Mapping[str, str],
    candidates: Collection[str],
) -> str | None:
    how, digest = match.groups()
    if how == "sha256":
        return by_digest.get(digest)
    before = line[: match.start()]
    return next((each for each in candidates if _password_digest(each, before) == digest), None)


def _reference_to(secret: str, before: str) -> str:
    if _KEY.fullmatch(secret):
        return f"(secret sha256:{_key_digest(secret)})"
    return f"(secret scrypt:{_password_digest(secret, before)})"


def _key_digest(text: str) -> str:
    """Return the digest of a key as every engine tells it; of what is none, of its text."""
    try:
        octets = PrivateKey.from_base64(text).to_bytes()
    except ValueError:
        octets = text.encode()
    return hashlib.sha256(octets).hexdigest()


def _password_digest(text: str, before: str) -> str:
    salt = hashlib.sha256(before.encode()).digest()
    octets = hashlib.scrypt(text.encode(), salt=salt, n=_SCRYPT_COST, r=8, p=1, dklen=KEY_LENGTH)
    return octets.hex()
