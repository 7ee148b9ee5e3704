"""What a shell is told about the interface and its routes, where we do not read it.

`ifconfig` and `route` at the beginning of a line are declared state.  Within another
command they are Linux's programs of these names, which speak other languages or
are not there at all; and the interface's name is `$if`, and nothing like it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.shell_line import first_word
from netstart_wg.syntax.words import Word

_PROGRAM = re.compile(r"(?<![^\s;&|(){}`'\"])(?:/sbin/)?(?P<name>route|ifconfig)(?=[ \t])")
_BEGINNING = re.compile(r"[;&|(){}`'\"]")
_ENDS_A_COMMAND = ("", *"|;&<>(){}`'\"#")
_TAKES_A_COMMAND = re.compile(r"(?:\s-[a-z]*c|\beval)\s*")
_BEFORE_A_COMMAND = re.compile(
    r"if|then|elif|else|while|until|do|!|time|exec|eval|command|nohup|setsid|env|nice|ionice"
    r"|sudo|doas|timeout|-.*|[0-9.]+[smhd]?|[A-Za-z_][A-Za-z0-9_]*=.*|\$.*"
)
"""Words that leave the next one to be a command's name."""
_ROUTE_ACTION = re.compile(
    r"(?:[ \t]+-[nqv]+|[ \t]+-T[ \t]*[0-9]+)*[ \t]+(?:add|change|del(?:ete)?)\b"
)
_BRACED_NAME = re.compile(r"\$\{if\}")
_LONGER_NAME = re.compile(r"\$if[A-Za-z0-9_]+")


def wrapped_commands(
    text: str, start: int, is_own_name: Callable[[Word], bool]
) -> Iterator[Mistake]:
    """Yield what is odd about a line for a shell, from there on; none of it is an error."""
    for match in _PROGRAM.finditer(text, start):
        says_something = (
            _ROUTE_ACTION.match(text, match.end())
            if match["name"] == "route"
            else _is_about_interface(text, match.end(), is_own_name)
        )
        if says_something and _is_command_name(text[start : match.start()]):
            word = Word(match.group(), match.group(), match.start())
            yield Mistake.about(word, Message.WRAPPED_COMMAND, program=match["name"])
    for match in _BRACED_NAME.finditer(text, start):
        yield Mistake(Message.BRACED_NAME, *match.span())
    for match in _LONGER_NAME.finditer(text, start):
        word = Word(match.group(), match.group(), match.start())
        yield Mistake.about(word, Message.LONGER_NAME, rest=word.raw.removeprefix("$if"))


def _is_about_interface(text: str, place: int, is_own_name: Callable[[Word], bool]) -> bool:
    """Say whether the interface follows, and after it something that is said about it."""
    name = first_word(text, place)
    if name is None or not is_own_name(name):
        return False
    return text[name.end :].lstrip()[:1] not in _ENDS_A_COMMAND


def _is_command_name(before: str) -> bool:
    """Say whether a word after this text is the name of a command, and no argument of another."""
    boundaries = list(_BEGINNING.finditer(before))
    beginning = boundaries[-1].end() if boundaries else 0
    if boundaries and boundaries[-1].group() in "'\"":
        outside = before[: boundaries[-1].start()]
        if not any(match.end() == len(outside) for match in _TAKES_A_COMMAND.finditer(outside)):
            return False
    return all(_BEFORE_A_COMMAND.fullmatch(word) for word in before[beginning:].split())
