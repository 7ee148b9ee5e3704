"""Manuals as the tests read them: what is in a section, on the tags of its lists, in its displays.

Only the mdoc(7) that the manuals in man/ use is understood; an escape sequence
that is not known here fails, so that no test passes over what it cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAN = Path(__file__).parent.parent / "man"

_ESCAPES = {"&": "", "-": "-", "e": "\\", "(aq": "'", "(dq": '"', "(ga": "`"}
_ESCAPE = re.compile(r"\\(\([a-z]{2}|.)")
_PROMPT = re.compile(r"^[#$] ", re.M)


@dataclass(frozen=True, slots=True)
class Command:
    """A line that a shell is shown to be given, and what it is shown to answer."""

    text: str
    output: str


def manual(name: str) -> str:
    """Return the source of a manual."""
    return (MAN / name).read_text()


def section(source: str, title: str) -> str:
    """Return the source of one section, without its heading."""
    found = re.search(rf"^\.Sh {re.escape(title)}\n(.*?)(?=^\.Sh |\Z)", source, re.M | re.S)
    assert found, f"no section {title}"
    return found[1]


def subsection(source: str, title: str) -> str:
    """Return the source of one subsection, without its heading."""
    found = re.search(rf"^\.Ss {re.escape(title)}\n(.*?)(?=^\.S[hs] |\Z)", source, re.M | re.S)
    assert found, f"no subsection {title}"
    return found[1]


def tags(source: str, macro: str) -> list[str]:
    """Return the arguments of a macro (`Cm`, `Fl`) on the tags of lists that begin with it."""
    lines = re.findall(rf"^\.It {macro} (.*)$", source, re.M)
    return [argument for line in lines for argument in _arguments(f"{macro} {line}", macro)]


def arguments(source: str, macro: str) -> list[str]:
    """Return the arguments of a macro wherever it stands."""
    lines = re.findall(r"^\.(.*)$", source, re.M)
    return [argument for line in lines for argument in _arguments(line, macro)]


def displays(source: str) -> list[str]:
    """Return what stands in the literal displays, one-line ones (`Dl`) included."""
    found = re.finditer(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$|^\.Dl (.*)$", source, re.M)
    return [unescape(match[1] or f"{match[2]}\n") for match in found]


def session(display: str) -> Iterator[Command]:
    """Yield the commands behind the prompts of a display, each with the lines after it."""
    first, *rest = _PROMPT.split(display)
    assert not first, "a session begins with a prompt"
    for part in rest:
        text, _, output = part.partition("\n")
        yield Command(text, output)


def unescape(text: str) -> str:
    """Return text as it is printed; fail for an escape sequence that is not known here."""
    return _ESCAPE.sub(lambda match: _ESCAPES[match[1]], text)


def _arguments(line: str, macro: str) -> Iterator[str]:
    """Yield what follows a macro in a macro line, up to the next macro."""
    is_argument = False
    for word in line.split():
        if re.fullmatch(r"[A-Z][a-z]", word):
            is_argument = word == macro
        elif is_argument and word not in (",", ".", ";"):
            yield unescape(word)
