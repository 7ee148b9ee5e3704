"""One route(8) command of a `!` line to a statement: its options and its action.

Options stand before the action; what stands behind it, `route_words` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from netstart_wg.syntax import values
from netstart_wg.syntax.characters import refuse_placeholder
from netstart_wg.syntax.convert import RDOMAIN_MAX
from netstart_wg.syntax.findings import quote
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.route_messages import RouteMessage
from netstart_wg.syntax.route_modifiers import ACTIONS_REFUSED, refused
from netstart_wg.syntax.route_statement import RouteAction, RouteExec, RouteStatement
from netstart_wg.syntax.route_words import RouteWords
from netstart_wg.syntax.shell_line import needs_shell_at
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.words import Word

_ACTIONS = {action.value: action for action in RouteAction} | {"del": RouteAction.DELETE}


def is_route(word: Word) -> bool:
    """Say whether a command is route(8), with or without its folder."""
    return word.value.rpartition("/")[2] == "route"


def read_route(
    words: Sequence[Word], line: LogicalLine, rdomain: int = 0
) -> RouteStatement | RouteExec:
    """Read a command, given with the logical line that it stands in; raise Mistake.

    The first word is `route`.  The interface's own name may still be `$if`.  Without
    -T it is about the rdomain given.
    """
    for word in words:
        if "{" in word.value:
            refuse_placeholder(line.text, word.start)
    options = _Options(words, rdomain)
    if options.action.value == "exec":
        return _read_exec(words[options.index :], options.rdomain, line)
    action = _ACTIONS.get(options.action.value)
    if action is None:
        _refuse_action(options.action)
    route = RouteWords(action, options.rdomain, line)
    route.take(words[options.index :])
    return route.statement()


def needs_shell(text: str, start: int) -> Mistake:
    """Say what in a line, from there on, keeps a route from being read."""
    place = needs_shell_at(text, start)
    assert place is not None, "it takes no shell"
    try:
        refuse_placeholder(text, place)
    except Mistake as placeholder:
        return placeholder
    character = quote(text[place : place + 1]) if place < len(text) else "the end of this line"
    return Mistake(RouteMessage.NEEDS_SHELL, place, place + 1, character=character)


class _Options:
    """What stands before the action."""

    def __init__(self, words: Sequence[Word], rdomain: int) -> None:
        self.rdomain = rdomain
        self.index = 1
        self._words = words
        while self.index < len(words) and words[self.index].value.startswith("-"):
            word = words[self.index]
            self.index += 1
            if word.value == "--":
                break
            self._take(word)
        if self.index == len(words):
            raise Mistake.about(words[0], RouteMessage.NO_ACTION)
        self.action = words[self.index]

    def _take(self, word: Word) -> None:
        """Take one or more letters, as getopt(3) does."""
        for place, letter in enumerate(word.value[1:], 1):
            if letter == "T":
                self.rdomain = _table(self._argument_of_T(word, place))
                return
            if letter in "dt":
                raise Mistake.about(word, RouteMessage.PRETENDS, option=f"-{letter}")
            if letter not in "nqv":
                raise Mistake.about(word, RouteMessage.BAD_OPTION)
        if word.value == "-":
            raise Mistake.about(word, RouteMessage.BAD_OPTION)

    def _argument_of_T(self, word: Word, place: int) -> Word:  # noqa: N802  (that is its name)
        if rest := word.value[place + 1 :]:
            if word.raw != word.value:
                return word._replace(value=rest)
            return Word(rest, rest, word.start + place + 1)
        if self.index == len(self._words):
            usage = "-T NUMBER"
            raise Mistake.about(word, Message.MISSING_ARGUMENT, keyword="-T", usage=usage)
        self.index += 1
        return self._words[self.index - 1]


def _table(word: Word) -> int:
    return values.number(word, "table", "-T", 0, RDOMAIN_MAX)


def _read_exec(words: Sequence[Word], rdomain: int, line: LogicalLine) -> RouteExec:
    keyword, *command = words
    if not command:
        usage = "route -T NUMBER exec COMMAND"
        raise Mistake.about(keyword, Message.MISSING_ARGUMENT, keyword="exec", usage=usage)
    return RouteExec(
        span=line.span(keyword.start, keyword.end),
        rdomain=rdomain,
        text=" ".join([word.raw for word in command]),
        start=command[0].start,
    )


def _refuse_action(word: Word) -> NoReturn:
    refusal = ACTIONS_REFUSED.get(word.value)
    if refusal is None:
        raise Mistake.about(word, RouteMessage.UNKNOWN_ACTION)
    raise refused(word, refusal)
