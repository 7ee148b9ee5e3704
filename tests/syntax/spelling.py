"""Hypothesis strategies that write commands down, in every way the language has for them.

The rules are those of hostname.wg(5): what may be quoted and how, where blanks and
continuations may be, how many spellings an address has, that `!ifconfig` says the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import hypothesis.strategies as st

from tests.syntax.commands import SUBJECTS, Subject, commands, several
from tests.syntax.reference_fold import Command, Word, length_of

_PLAIN = re.compile(r"[\w%@:,./=+-]+", re.ASCII)
_NOT_PLAIN = re.compile(r"([^\w%@:,./=+-])", re.ASCII)
_SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'(["\\$`])')
_BEHIND_NO_BACKSLASH = re.compile(r"(?<!\\)(?=.)|(?<=[^\\])$", re.DOTALL)

BLANKS = st.sampled_from([" "] * 6 + ["  ", "\t", " \\\n  ", "\\\n\t"])
COMMENTS = st.sampled_from(
    [""] * 6 + [" #", " # laptop's", " ## wgport 1 \\x", '\t#"unclosed', " # up; down"]
)
EMPTY_LINES = ("", " \t", "# wgport 1", "\t#up \\\n down", "\\\n", "! ", "!#")
ROUTES = (
    *("!route add 10.9.0.0/16 203.0.113.9", "!route -T 1 add default 203.0.113.9"),
    "!route -qn add -inet6 fd09::/48 4000::9",
)
SHELL_COMMANDS = (
    *("!true", "! echo $if  'a  b' | logger", "!ifconfig lo0 up", "!sleep 1 && ifconfig $if"),
    "!route -T 1 exec ping 10.0.0.2",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A stretch of a file, and the commands that it says."""

    text: str
    """One line or more, without the newline at the end."""
    commands: tuple[Command, ...] = ()
    is_for_shell: bool = False
    """Whether it is a command that nobody here understands."""


@dataclass(frozen=True, slots=True)
class File:
    """A hostname file, and the commands that it says."""

    text: str
    commands: tuple[Command, ...]


# ---- words ----


def quoted(value: str) -> st.SearchStrategy[str]:
    """Return what draws a way to write a word."""
    ways = ['"' + _SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\1", value) + '"']
    if "'" not in value:
        ways.append(f"'{value}'")
    if value and not re.search("[ \t]([ \t]|$)", value):
        # a backslash before each of several blanks would keep them apart
        ways.append(_NOT_PLAIN.sub(r"\\\1", value))
    if len(value) > 1 and _PLAIN.match(value) and "'" not in value:
        ways += [f"{value[0]}'{value[1:]}'", f"{value[0]}\"\"'{value[1:]}'"]
    if _PLAIN.fullmatch(value):
        ways += [value] * 8
    return st.sampled_from(ways)


def masks(length: int) -> st.SearchStrategy[str]:
    """Return what draws a way to write a netmask."""
    mask = IPv4Network((0, length)).netmask
    return st.sampled_from([str(mask), f"0x{int(mask):x}", f"0x{int(mask):08X}"])


def is_address(word: Word) -> bool:
    """Say whether a word is the one about the command's address."""
    return word[0].partition(" ")[0] in ("inet", "inet6")


Part = list[str]
"""Words that stay together."""


@dataclass(frozen=True, slots=True)
class AddressWords:
    """Words about the address of a line, by where they may stand."""

    beginning: Part
    """First of all."""
    in_order: tuple[Part, ...] = ()
    """Anywhere, but one after the other."""
    anywhere: tuple[Part, ...] = ()


@st.composite
def _bare_address(draw: st.DrawFn, word: Word) -> AddressWords:
    """Draw a form in which what follows the address lacks keywords."""
    keyword, address, *given = word
    family, _, alias = keyword.partition(" ")
    number = length_of(address, given)
    about = [str(number)] if family == "inet6" else [draw(masks(number))]
    if family == "inet":
        about += draw(st.sampled_from([[], ["NONE"], ["10.0.0.9"], ["broadcast", "10.0.0.9"]]))
    if draw(st.booleans()):
        address += draw(st.sampled_from(["/9", "/24"]))  # the last length counts
    return AddressWords([family, *([alias] if alias else []), address, *about])


@st.composite
def _address(draw: st.DrawFn, word: Word) -> AddressWords:
    """Draw a form in which every word but the address has its keyword."""
    keyword, *arguments = word
    family, _, action = keyword.partition(" ")
    names_family = family == "inet6" or draw(st.booleans())
    anywhere: list[Part] = []
    if action:
        way = draw(st.sampled_from(["delete", "-alias"])) if action == "delete" else action
        anywhere.append([way])
    if not arguments:
        return AddressWords([family] * names_family, (), tuple(anywhere))
    address, *given = arguments
    in_order = [[f"{address}/{given[0]}" if given else address]]
    if action == "delete":
        in_order = [[draw(st.sampled_from([address, f"{address}/24"]))]]
    elif given != ["0"] and draw(st.booleans()):
        number = length_of(address, given)
        in_order = [[address]]
        anywhere.append(["prefixlen", str(number)])
        if family == "inet" and draw(st.booleans()):
            anywhere[-1] = ["netmask", draw(masks(number))]
    if family == "inet" and action != "delete":
        anywhere += draw(st.sampled_from([[]] * 4 + [[["broadcast", "10.0.0.9"]]]))
        in_order += draw(st.sampled_from([[]] * 4 + [[["10.0.0.9"]]])) if not names_family else []
    return AddressWords([family] * names_family, tuple(in_order), tuple(anywhere))


@st.composite
def _parts(draw: st.DrawFn, command: Command, is_line: bool = True) -> list[Part]:
    """Draw the words of a command, those about its address in any of the places they may have."""
    parts: list[Part] = []
    for word in command:
        if not is_address(word):
            parts.append([word[0], *[draw(quoted(argument)) for argument in word[1:]]])
    for word in filter(is_address, command):
        is_bare = is_line and len(word) > 1 and "delete" not in word[0] and word[-1] != "0"
        found = draw(_bare_address(word) | _address(word) if is_bare else _address(word))
        at = 0
        for part in found.in_order:
            places = list(range(at, len(parts) + 1))
            if word[0].startswith("inet6"):
                # behind an allowed IP it would be taken for another one
                places = [n for n in places if n == 0 or parts[n - 1][0] != "wgaip"]
            at = draw(st.sampled_from(places))
            parts.insert(at, part)
            at += 1
        for part in found.anywhere:
            parts.insert(draw(st.integers(0, len(parts))), part)
        parts.insert(0, found.beginning)
    return parts


# ---- lines ----


@st.composite
def _joined(draw: st.DrawFn, parts: Sequence[Part]) -> str:
    text = ""
    for word in (word for part in parts for word in part):
        text += (draw(BLANKS) if text else "") + word
    return text


@st.composite
def _interrupted(draw: st.DrawFn, text: str) -> str:
    """Draw where a line goes on in the next one, which may be in the middle of a word."""
    if draw(st.sampled_from([True] * 3 + [False])):
        return text
    places = [match.start() for match in _BEHIND_NO_BACKSLASH.finditer(text)]
    at = draw(st.sampled_from(places))
    return text[:at] + "\\\n" + text[at:]


@st.composite
def plain_entries(draw: st.DrawFn, subject: Subject) -> Entry:
    """Draw a line that is an ifconfig command, and now and then a `dest` after it."""
    command = draw(commands(subject))
    text = draw(st.sampled_from(["", "", " ", "\t"])) + draw(_joined(draw(_parts(command))))
    text = draw(_interrupted(text + draw(COMMENTS)))
    is_about_inet = any(word[0] in ("inet", "inet alias") for word in command)
    if is_about_inet and draw(st.sampled_from([False] * 5 + [True])):
        text += "\n# text\n\n dest 10.0.0.9"
    return Entry(text, (command,))


@st.composite
def shell_entries(draw: st.DrawFn, subject: Subject) -> Entry:
    """Draw a `!` line that says nothing but ifconfig commands."""
    said = draw(st.lists(commands(subject), min_size=1, max_size=3))
    text = draw(st.sampled_from(["!", "! ", "  !\t"]))
    for number, command in enumerate(said):
        if number:
            text += draw(st.sampled_from(["; ", " ;", " && ", " || ", "&&"]))
        opening = [
            draw(st.sampled_from(["ifconfig", "ifconfig", "/sbin/ifconfig"])),
            draw(st.sampled_from(["$if", "$if", "wg0", "'$if'", '"wg0"'])),
        ]
        text += draw(_joined([opening, *draw(_parts(command, is_line=False))]))
    return Entry(draw(_interrupted(text + draw(COMMENTS))), tuple(said))


def entries(subject: Subject) -> st.SearchStrategy[Entry]:
    """Return what draws a line of any kind that declares no route."""
    return st.one_of(
        plain_entries(subject),
        plain_entries(subject),
        plain_entries(subject),
        shell_entries(subject),
        st.sampled_from(EMPTY_LINES).map(Entry),
        st.sampled_from(SHELL_COMMANDS).map(lambda text: Entry(text, is_for_shell=True)),
    )


ROUTE_ENTRIES = st.sampled_from(ROUTES).map(Entry)


@st.composite
def files(draw: st.DrawFn) -> File:
    """Draw a whole file, with either kind of line ends, and perhaps none at its end."""
    subject = draw(st.sampled_from(SUBJECTS))
    found = draw(several(entries(subject) | entries(subject) | ROUTE_ENTRIES))
    text = text_of(found)
    text += draw(st.sampled_from(["\n", "\n", "", "\n\n", "\\\n" if text[-1:] != "\\" else ""]))
    text = draw(st.sampled_from(["", "", "\ufeff"])) + text
    if draw(st.sampled_from([False, False, True])):
        text = text.replace("\n", "\r\n")
    return File(text, tuple(command for entry in found for command in entry.commands))


def text_of(entries: Iterable[Entry]) -> str:
    """Return a file without the newline at its end."""
    return "\n".join(entry.text for entry in entries)
