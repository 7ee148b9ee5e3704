"""How OpenBSD's netstart(8), revision 1.229, reads a hostname file, imitated.

It reads lines as ksh(1) does, parts them at blanks, unpacks the forms of addresses,
and has a shell look at what comes out; the arguments are read as ifconfig(8) does.
What would take a whole shell, files to match patterns with, or an error message of
ifconfig's is out of its reach: Unclear is raised then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from tests.syntax.reference_fold import Command, Word

_ARITY = {
    **dict.fromkeys(["wgkey", "wgport", "wgrtable", "wgpeer", "-wgpeer", "wgaip", "wgpsk"], 1),
    **dict.fromkeys(["wgpka", "wgdescr", "wgdescription", "description", "descr", "group"], 1),
    **dict.fromkeys(["-group", "mtu", "rdomain", "priority", "llprio", "metric", "rtlabel"], 1),
    **dict.fromkeys(["-wgpeerall", "-wgpsk", "-wgdescr", "-wgdescription", "up", "down"], 0),
    **dict.fromkeys(["-description", "-descr", "debug", "-debug", "-rdomain", "-rtlabel"], 0),
    **dict.fromkeys(["-inet", "-inet6", "destroy"], 0),
    "wgendpoint": 2,
}
_PIECE = re.compile(r"""'[^']*'|"(?:[^"\\$`]|\\.)*"|\\.|[^\s'"\\$`;&|<>()*?\[\]~{}]""", re.DOTALL)
_BETWEEN_COMMANDS = re.compile(r"\s*(;|&&)\s*")


class Unclear(Exception):  # noqa: N818
    """Only the real thing would tell."""


def read(text: str, interface: str) -> list[Command]:
    """Return the ifconfig commands about an interface that a file makes netstart run."""
    generated: list[list[str]] = []
    matches_files = False
    for line in logical_lines(text):
        if matches_files and re.search("[*?[]", line):
            raise Unclear("the names of files")
        words = line.split()
        # switched on where a line has been unpacked, and off again with the next one
        matches_files = bool(words) and not words[0].startswith("#")
        if words and words[0] == "dest" and len(words) == 2:
            if generated and generated[-1][:1] == ["inet"]:
                generated[-1].insert(3 if generated[-1][1] == "alias" else 2, words[1])
        elif words and not words[0].startswith("#"):
            generated.append(unpacked(words))
    commands = [command for words in generated for command in evaluated(words, interface)]
    for before, command in zip([(), *commands], commands, strict=False):
        if command[0] == ("create",) and len(command) > 1 and ("destroy",) not in before:
            raise Unclear("an interface that exists")
    return commands


def logical_lines(text: str) -> Iterator[str]:
    """Yield what `read` gives: no backslashes, and no line that nothing ends."""
    line = ""
    for piece in re.findall(r"\\.|.|\\$", text, re.DOTALL):
        if piece == "\n":
            yield line
            line = ""
        elif piece != "\\\n":
            line += piece.removeprefix("\\") if len(piece) > 1 else piece


def unpacked(words: list[str]) -> list[str]:
    """Return the arguments that a line becomes, quotes and comments still in it."""
    match words:
        case ["inet" | "inet6" as family, *rest]:
            head = [family, "alias"] if rest[:1] == ["alias"] else [family]
            rest = rest[len(head) - 1 :]
            names = ["netmask", "broadcast"] if family == "inet" else ["prefixlen"]
            head += rest[:1]
            for name, value in zip(names, rest[1:], strict=False):
                head += [] if name == "broadcast" and value.endswith("NONE") else [name, value]
            return [*head, *rest[1 + len(names) :]]
        case _:
            return words


def evaluated(words: list[str], interface: str) -> Iterator[Command]:
    """Yield what a shell makes of a generated command, as far as it is ifconfig's."""
    text = " ".join(words)
    if not text.startswith("!"):
        found, *others = simple_commands(f"ifconfig {interface} {text}")
        if others:
            raise Unclear("a shell")
        yield from arguments_of(found[2:])
        return
    if "ifconfig" not in text:
        return
    if "\\" in text:
        raise Unclear("what print makes of a backslash")
    for found in simple_commands(text.removeprefix("!").replace("$if", interface)):
        if found[:1] in (["ifconfig"], ["/sbin/ifconfig"]) and found[1:2] == [interface]:
            yield from arguments_of(found[2:])


def simple_commands(text: str) -> list[list[str]]:
    """Part a text as a shell does, if it takes nothing but quotes."""
    commands: list[list[str]] = [[]]
    position, in_word = 0, False
    while position < len(text):
        if separator := _BETWEEN_COMMANDS.match(text, position):
            commands.append([])
            position, in_word = separator.end(), False
        elif text[position].isspace():
            position, in_word = position + 1, False
        elif text[position] == "#" and not in_word:
            break
        elif piece := _PIECE.match(text, position):
            commands[-1] += [] if in_word else [""]
            commands[-1][-1] += unquoted(piece.group())
            position, in_word = piece.end(), True
        else:
            raise Unclear("a shell")
    return commands


def unquoted(piece: str) -> str:
    """Return what a piece of a word says."""
    if piece.startswith("'"):
        return piece[1:-1]
    if piece.startswith('"'):
        return re.sub(r'\\(["\\$`\n])', r"\1", piece[1:-1])
    return piece.removeprefix("\\") if len(piece) > 1 else piece


def arguments_of(words: list[str]) -> Iterator[Command]:
    """Read arguments as ifconfig does: what is no keyword is an address, then a destination."""
    family = words.pop(0) if words[:1] in (["inet"], ["inet6"]) else "inet"
    command: list[Word] = [("create",)] if words[:1] == ["create"] else []
    del words[: len(command)]
    about: dict[str, str] = {}
    while words:
        keyword = words.pop(0)
        if keyword in _ARITY:
            if len(words) < _ARITY[keyword]:
                raise Unclear("an argument that is not there")
            command.append((keyword, *words[: _ARITY[keyword]]))
            del words[: _ARITY[keyword]]
        elif keyword in ("alias", "-alias", "delete"):
            about["action"] = "alias" if keyword == "alias" else "delete"
        elif keyword in ("netmask", "prefixlen", "broadcast"):
            value = words.pop(0) if words else ""
            if keyword != "broadcast":
                # each sets the mask when it is read, and so does the length of an address
                about["length"] = str(length_of_mask(value)) if keyword == "netmask" else value
        elif "destination" in about:
            raise Unclear("bad value")
        elif "address" in about:
            about["destination"] = keyword
        else:
            about["address"], slash, length = keyword.partition("/")
            about |= {"length": length} if slash else {}
    command += address_word(family, about)
    if command:
        yield command


def address_word(family: str, about: dict[str, str]) -> Iterator[Word]:
    """Yield what the words about the address come to."""
    keyword = f"{family} {about['action']}" if "action" in about else family
    address = about.get("address", "")
    if not address:
        if keyword.endswith("delete"):
            yield (keyword,)
        return
    if not re.fullmatch(r"[0-9.]+" if family == "inet" else r"[0-9A-Fa-f:.]+", address):
        raise Unclear("a name")
    if keyword.endswith("delete"):
        yield (keyword, address)
        return
    yield (keyword, address, *([about["length"]] if "length" in about else []))


def length_of_mask(mask: str) -> int:
    """Read a netmask."""
    try:
        number = (
            int(mask, 16) if mask.startswith("0x") else IPv4Network(f"{mask}/32").network_address
        )
        return IPv4Network(f"0.0.0.0/{IPv4Network((int(number), 32)).network_address}").prefixlen
    except ValueError:
        raise Unclear("no netmask") from None
