"""One ifconfig(8) command: its words to its statements, and its mistakes noted."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.syntax import address_values
from netstart_wg.syntax.address_command import ADDRESS_RULES, AddressCommand
from netstart_wg.syntax.address_values import ServicePort
from netstart_wg.syntax.characters import refuse_broken_continuation, refuse_placeholder, stray
from netstart_wg.syntax.continuation import begins_physical_line, look_at_comment
from netstart_wg.syntax.convert import CONVERTERS
from netstart_wg.syntax.findings import Findings, quote
from netstart_wg.syntax.grammar import Part, Shapes
from netstart_wg.syntax.keywords import KEYWORDS, Place, nearest
from netstart_wg.syntax.line_words import line_words, separate_endpoints
from netstart_wg.syntax.loose_words import has_no_place, is_address, misplaced
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.refused import REFUSED
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.statements import AddressStatement, AnyStatement, Dest, Ifconfig, Inet
from netstart_wg.syntax.words import Word, Words

_PEER_RULES = frozenset({"wgpeer", "remove_peer"})
_PEER_WORDS = frozenset(word.name for word in KEYWORDS.values() if word.place is Place.PEER)
_NOT_FIRST = (Message.NOT_FIRST, Message.COMMAND_NOT_FIRST)
_ABOUT_PEERS = _PEER_WORDS | {"wgpeer", "-wgpeer"}


class IfconfigReader:
    """Reads the commands of one file."""

    def __init__(self, findings: Findings, service_port: ServicePort) -> None:
        self._findings = findings
        self._service_port = service_port
        self._shapes = Shapes()
        self._last_command: _Command | None = None
        self._last_line: LogicalLine | None = None
        self._open_quote: tuple[int, object] | None = None
        """The line that a quote which is not closed may go on in, and which quote it is."""
        self.is_broken_off = False
        """Whether the last line was meant to be continued on the next one, and is not."""

    def read(self, line: LogicalLine) -> Ifconfig:
        """Read a line that has at least one word; note what is wrong with it."""
        command = _Command(line, self._findings, self._service_port, is_packed=True)
        command.ending = self._ending_before(line)
        found = line_words(line.text)
        self.is_broken_off = False
        try:
            _look_at_characters(line.text, found)
            parts = self._parts(found)
        except Mistake as mistake:
            self.is_broken_off = mistake.message is Message.BROKEN_CONTINUATION
            if not self._closes_quote(line, mistake):
                command.note(mistake)
        else:
            command.take(found.words, parts)
        if found.comment is not None:
            look_at_comment(line, len(line.text) - len(found.comment), self._findings)
        self._last_line = line
        if command.statements and isinstance(command.statements[0], Dest):
            self._look_at_dest(command.statements[0])
        self._last_command = command
        return Ifconfig(tuple(command.statements), found.comment)

    def _parts(self, found: Words) -> Sequence[Part]:
        """Return the statements of a line; raise Mistake."""
        try:
            return self._shapes.parts(found.words)
        except Mistake as mistake:
            if found.comment is None or mistake.message is not Message.MISSING_ARGUMENT:
                raise
            raise mistake.as_message(Message.ARGUMENT_IN_COMMENT) from None

    def _closes_quote(self, line: LogicalLine, mistake: Mistake) -> bool:
        """Say whether a quote is the other end of one that was opened in the line before."""
        before = self._open_quote
        self._open_quote = None
        if mistake.message is not Message.UNCLOSED_QUOTE:
            return False
        quote = mistake.values["quote"]
        if before == (line.number, quote):
            return True
        self._open_quote = line.next_number, quote
        return False

    def _ending_before(self, line: LogicalLine) -> tuple[Message, int] | None:
        """Say what has ended the command before, if that was meant to go on in this line."""
        before = self._last_line
        if before is None or not before.joins or before.next_number != line.number:
            return None
        first, last = before.stretch(len(before.joins))
        text = before.text[first:last].lstrip(" \t")
        if text and not text.startswith("#"):
            return None
        message = Message.PEER_WORD_AFTER_COMMENT if text else Message.PEER_WORD_AFTER_BLANK
        return message, line.number - 1

    def read_words(self, line: LogicalLine, words: Sequence[Word]) -> tuple[AnyStatement, ...]:
        """Read at least one word that ifconfig(8) itself gets; note what is wrong.

        Without a mistake there is at least one statement.
        """
        command = _Command(line, self._findings, self._service_port, is_packed=False)
        words = separate_endpoints(words)
        try:
            command.take(words, self._shapes.parts(words))
        except Mistake as mistake:
            command.note(mistake)
        if not command.statements and not command.has_mistake:
            command.note(_lacks_argument(words[0]))
        return tuple(command.statements)

    def forget_last_command(self) -> None:
        """Know that a command of another kind follows the last one."""
        self._last_command = None

    def _look_at_dest(self, dest: Dest) -> None:
        """Compare it with the address that it is about: the one in the command before."""
        before = self._last_command
        if before is not None and before.has_mistake:
            return
        if before is None or not isinstance(before.address, Inet):
            self._findings.add(Message.DEST_WITHOUT_ADDRESS, dest.span)
        elif dest.address != before.address.address.network.broadcast_address:
            word = quote(str(dest.address))
            self._findings.add(Message.DESTINATION_UNUSED, dest.span, word=word)


class _Command:
    """The statements of one command, as they are read."""

    def __init__(
        self, line: LogicalLine, findings: Findings, service_port: ServicePort, *, is_packed: bool
    ) -> None:
        self.statements: list[AnyStatement] = []
        self.address: AddressStatement | None = None
        """The one among the statements that the address words make."""
        self.has_mistake = False
        self.ending: tuple[Message, int] | None = None
        """What has ended the command before, and in which line, if it was perhaps to go on here."""
        self.service_port = service_port
        self._line = line
        self._findings = findings
        self._is_packed = is_packed
        self._address_words: AddressCommand | None = None
        self._address_place = 0
        """Where in the statements it is."""
        self._keyword: Word | None = None
        """The last one."""
        self._is_lost = False
        """Whether words without a keyword may belong to a mistake before them."""
        self._has_peer = False
        """Whether there was a wgpeer, or what may have been one."""

    def take(self, words: Sequence[Word], parts: Sequence[Part]) -> None:
        """Read the statements one after the other."""
        if parts[0].rule == "dest" and not self._is_packed:
            self.note(Mistake.about(words[0], Message.NOT_FIRST))
            return
        if parts[0].rule == "dest" and len(parts) > 1:
            self.note(Mistake.about(words[parts[1].first], Message.DEST_NOT_ALONE))
            return
        for rule, first, last in parts:
            if rule == "loose":
                self._take_loose(words[first], first)
            elif not self._take_rule(rule, words[first:last], first):
                break
        if self._address_words is not None:
            self._finish_address(self._address_words)

    def note(self, mistake: Mistake) -> None:
        """Note a mistake, and those that it takes along."""
        number = begins_physical_line(self._line, mistake.start)
        if number is not None and mistake.message in _NOT_FIRST:
            mistake = mistake.as_message(Message.CONTINUED, number=number)
        span = self._line.span(mistake.start, mistake.end)
        self._findings.add(mistake.message, span, **mistake.values)
        self._is_lost = self.has_mistake = True
        for other in mistake.others:
            self.note(other)

    def warn(self, word: Word, message: Message, **values: object) -> None:
        """Note a warning about a word; the message's template may name it as `word`."""
        span = self._line.span(word.start, word.end)
        self._findings.add(message, span, word=word, **values)

    def _take_rule(self, rule: str, words: Sequence[Word], index: int) -> bool:
        """Read a keyword and its arguments; return whether it is clear where they end."""
        self._keyword = keyword = words[0]
        self._is_lost = False
        if rule in _PEER_RULES:
            self._has_peer = True
        elif not self._has_peer and keyword.raw in _PEER_WORDS:
            self._has_peer = True  # or was meant to have one: once is enough
            self.note(self._without_peer(keyword))
        try:
            if rule in ADDRESS_RULES:
                self._take_address_words(rule, words, index)
            else:
                span = self._line.span(keyword.start, words[-1].end)
                self.statements.append(CONVERTERS[rule](span, words, self))
        except Mistake as mistake:
            better = _explain(mistake, keyword)
            self.note(better)
            return better.message is not Message.MISSING_ARGUMENT
        return True

    def _without_peer(self, keyword: Word) -> Mistake:
        if self.ending is None or self.statements:
            return Mistake.about(keyword, Message.PEER_WORD_ALONE, keyword=keyword.raw)
        message, number = self.ending
        return Mistake.about(keyword, message, keyword=keyword.raw, number=number)

    def _take_loose(self, word: Word, index: int) -> None:
        """Read a word without a keyword of its own."""
        if self._is_lost:
            return
        address = self._address_words
        is_packed = address is not None and address.is_packed_at(index)
        is_misspelt = is_packed and _is_misspelt(word, address)
        try:
            if address is not None and not is_packed and address.lacks_keyword(word):
                raise Mistake.about(word, Message.BARE_LENGTH)
            is_no_value = has_no_place(word) if is_packed else not is_address(word)
            if is_no_value:
                self._has_peer = True
                raise misplaced(word, None if is_packed else self._keyword)
            if self._keyword is not None and self._keyword.raw in _ABOUT_PEERS:
                self._look_at_network_alone(word)
            self._take_address_words("loose", [word], index)
        except Mistake as mistake:
            if address is not None:
                address.is_broken = True
            self.note(misplaced(word, None) if is_misspelt else mistake)

    def _look_at_network_alone(self, word: Word) -> None:
        """Tell of what looks like a network of the peer without a wgaip: it is an address."""
        is_inet6 = self._address_words is not None and self._address_words.is_inet6
        if ":" in word.value and not is_inet6:
            raise Mistake.about(word, Message.NETWORK_ALONE)
        if address_values.is_like_a_network(word):
            self.warn(word, Message.ADDRESS_AFTER_PEER)

    def _take_address_words(self, rule: str, words: Sequence[Word], index: int) -> None:
        if self._address_words is None:
            self._address_words = AddressCommand(self, is_packed=self._is_packed)
            self._address_place = len(self.statements)
        try:
            self._address_words.take(rule, words, index)
        except Mistake:
            self._address_words.is_broken = True
            raise

    def _finish_address(self, address: AddressCommand) -> None:
        if address.is_broken:
            return
        try:
            self.address = address.statement(self._line.span(*address.stretch))
        except Mistake as mistake:
            self.note(mistake)
        if self.address is not None:
            self.statements.insert(self._address_place, self.address)


def _look_at_characters(text: str, found: Words) -> None:
    """Raise Mistake for what cannot stand where it stands."""
    if "{" in text:
        for word in found.words:
            refuse_placeholder(text, word.start)
    if found.stray is not None:
        refuse_placeholder(text, found.stray)
        raise stray(text, found.stray)
    if found.comment is None and "\\" in text:
        refuse_broken_continuation(text)


def _is_misspelt(word: Word, address: AddressCommand | None) -> bool:
    """Say whether a word in a place with a meaning of its own was meant as a keyword."""
    if address is None or not word.raw[:1].isalpha():
        return False
    guess = nearest(word.raw)
    return guess == "alias" if address.awaits_address else guess is not None


def _explain(mistake: Mistake, keyword: Word) -> Mistake:
    """Say more about an argument that is no value at all, but a word of the language."""
    word = mistake.word
    assert word is not None, "a statement's mistakes are about its words"
    if word is keyword or (word.raw not in KEYWORDS and word.raw not in REFUSED):
        return mistake
    return _lacks_argument(keyword)


def _lacks_argument(keyword: Word) -> Mistake:
    usage = KEYWORDS[keyword.value].usage
    return Mistake.about(keyword, Message.MISSING_ARGUMENT, keyword=keyword.value, usage=usage)
