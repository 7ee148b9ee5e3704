"""One ifconfig(8) command: its words to its statements, and its mistakes noted."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.syntax.address_values import refuse_joined_host
from netstart_wg.syntax.characters import refuse_broken_continuation, refuse_placeholder, stray
from netstart_wg.syntax.convert import CONVERTERS
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.grammar import Part, Shapes, word_splitter
from netstart_wg.syntax.keywords import KEYWORDS, NOT_YET, Place, nearest
from netstart_wg.syntax.loose_words import is_address, misplaced
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.statements import AnyStatement, Ifconfig, Inet, Inet6
from netstart_wg.syntax.words import Word, Words

_FAMILY_WORDS = frozenset(word.name for word in KEYWORDS.values() if word.place is Place.FAMILY)
_FAMILY_RULES = frozenset({"inet", "inet6"})
_PEER_RULES = frozenset({"wgpeer", "remove_peer"})
_PEER_WORDS = frozenset(word.name for word in KEYWORDS.values() if word.place is Place.PEER)


class IfconfigReader:
    """Reads the commands of one file."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._splitter = word_splitter()
        self._shapes = Shapes()
        self.is_broken_off = False
        """Whether the last line was meant to be continued on the next one, and is not."""

    def read(self, line: LogicalLine) -> Ifconfig:
        """Read a line that has at least one word; note what is wrong with it."""
        command = _Command(line, self._findings)
        found = self._splitter.split(line.text)
        self.is_broken_off = False
        try:
            parts = self._parts(line.text, found)
        except Mistake as mistake:
            self.is_broken_off = mistake.message is Message.BROKEN_CONTINUATION
            command.note(mistake)
        else:
            command.take(found.words, parts)
        return Ifconfig(tuple(command.statements), found.comment)

    def _parts(self, text: str, found: Words) -> tuple[Part, ...]:
        if "{" in text:
            for word in found.words:
                refuse_placeholder(text, word.start)
        if found.stray is not None:
            refuse_placeholder(text, found.stray)
            raise stray(text, found.stray)
        if found.comment is None and "\\" in text:
            refuse_broken_continuation(text)
        try:
            return self._shapes.parts(text, found.words)
        except Mistake as mistake:
            if mistake.values["keyword"] == "wgendpoint":
                refuse_joined_host(found.words[-1])
            raise


class _Command:
    """The statements of one line, as they are read."""

    def __init__(self, line: LogicalLine, findings: Findings) -> None:
        self.statements: list[AnyStatement] = []
        self._line = line
        self._findings = findings
        self._keyword: Word | None = None
        """The last one."""
        self._is_lost = False
        """Whether words without a keyword may belong to a mistake before them."""
        self._has_peer = False
        """Whether there was a wgpeer, or what may have been one."""

    def take(self, words: Sequence[Word], parts: Sequence[Part]) -> None:
        """Read the statements one after the other."""
        for rule, first, last in parts:
            if rule == "loose":
                self._take_loose(words[first])
            elif not self._take_statement(rule, words[first:last]):
                return

    def note(self, mistake: Mistake) -> None:
        """Note a mistake."""
        span = self._line.span(mistake.start, mistake.end)
        self._findings.add(mistake.message, span, **mistake.values)
        self._is_lost = True

    def _warn(self, word: Word, message: Message, **values: object) -> None:
        span = self._line.span(word.start, word.end)
        self._findings.add(message, span, word=word, **values)

    def _take_statement(self, rule: str, words: Sequence[Word]) -> bool:
        """Read a statement; return whether it is clear where the next one begins."""
        self._keyword = keyword = words[0]
        self._is_lost = False
        if rule in _PEER_RULES:
            self._has_peer = True
        elif not self._has_peer and keyword.raw in _PEER_WORDS:
            self._has_peer = True  # or was meant to have one: once is enough
            self.note(Mistake.about(keyword, Message.PEER_WORD_ALONE, keyword=keyword.raw))
        try:
            self._convert(rule, words)
        except Mistake as mistake:
            better = _explain(mistake, rule, keyword)
            self.note(better)
            return better.message is not Message.MISSING_ARGUMENT
        return True

    def _take_loose(self, word: Word) -> None:
        if self._is_lost:
            return
        try:
            if not is_address(word):
                self._has_peer = True
                raise misplaced(word, self._keyword)
            if any(isinstance(statement, Inet | Inet6) for statement in self.statements):
                raise Mistake.about(word, Message.SECOND_ADDRESS)
            self._convert("loose", [word])
        except Mistake as mistake:
            self.note(mistake)

    def _convert(self, rule: str, words: Sequence[Word]) -> None:
        span = self._line.span(words[0].start, words[-1].end)
        self.statements.append(CONVERTERS[rule](span, words, self._warn))


def _explain(mistake: Mistake, rule: str, keyword: Word) -> Mistake:
    """Say more about an argument that is no value at all, but a word of the language."""
    word = mistake.word
    assert word is not None, "a statement's mistakes are about its words"
    if rule in _FAMILY_RULES:
        if word.value in ("netmask", "prefixlen"):
            return Mistake.about(word, Message.NETMASK_KEYWORD, family=rule)
        if word.raw in _FAMILY_WORDS or word.raw in NOT_YET:
            return misplaced(word, None)
    if word.raw in KEYWORDS or word.raw in NOT_YET:
        return Mistake(
            Message.MISSING_ARGUMENT,
            keyword.start,
            keyword.end,
            keyword=keyword.value,
            usage=KEYWORDS[keyword.value].usage,
        )
    if rule in _FAMILY_RULES and word.raw[:1].isalpha() and nearest(word.raw):
        return misplaced(word, None)
    return mistake
