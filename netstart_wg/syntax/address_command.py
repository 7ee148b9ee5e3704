"""The address words of one ifconfig(8) command: together they say one thing.

They stand in any order.  A line of a hostname file that begins with its family is
packed (hostname.if(5)): directly after the address and without keywords may
stand, for inet, a netmask and a broadcast address, for inet6 a prefix length.
Elsewhere a second word without a keyword is the destination; on an interface
like ours OpenBSD makes that its broadcast address, and a tunnel has use for
neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from netstart_wg.model.source import Span
from netstart_wg.syntax import address_values, values
from netstart_wg.syntax.convert import Notes
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.statements import AddressStatement, Inet, Inet6, RemoveInet, RemoveInet6
from netstart_wg.syntax.words import Word

INET6_DEFAULT_LENGTH = 64

_PACKED: Mapping[str, tuple[str, ...]] = {
    "inet": ("address", "netmask", "broadcast"),
    "inet6": ("address", "prefixlen"),
}
"""What the words after the family are, if they follow each other directly."""

ADDRESS_RULES = frozenset(
    {"inet", "inet6", "alias", "delete", "netmask", "broadcast", "prefixlen", "loose"}
)
"""Those of the grammar that are about the address of a line."""


class AddressCommand:
    """The address words of one command, as they are read."""

    def __init__(self, notes: Notes, *, is_packed: bool) -> None:
        """Say whether the command is a line of its own, or was given to ifconfig(8) as words."""
        self.is_broken = False
        """Whether a word was no value: what the others say together is anybody's guess."""
        self._notes = notes
        self._may_be_packed = is_packed
        self._words: list[Word] = []
        self._family: Word | None = None
        self._packed: list[str] = []
        self._packed_index = 0
        self._address: tuple[Word, IPv4Address | IPv6Address] | None = None
        self._length: int | None = None
        """Behind a slash, or with a keyword: of several the last counts, as for ifconfig(8)."""
        self._broadcast: tuple[Word, IPv4Address] | None = None
        self._destination: tuple[Word, IPv4Address] | None = None
        self._action: Word | None = None
        """The last alias, -alias or delete."""

    # ---- reading ----

    def is_packed_at(self, index: int) -> bool:
        """Say whether a word there has its meaning from its place."""
        return bool(self._packed) and index == self._packed_index

    @property
    def is_inet6(self) -> bool:
        """Whether the words are about an IPv6 address."""
        return self._family is not None and self._family.raw == "inet6"

    @property
    def awaits_address(self) -> bool:
        """Whether the next word without a keyword is an address if it is anything."""
        return self._packed[:1] == ["address"]

    def lacks_keyword(self, word: Word) -> bool:
        """Say whether a word that stands alone is meant as the length of the address before it."""
        has_address = self._address is not None
        return has_address and word.raw.isascii() and word.raw.isdigit() and len(word.raw) <= 3

    def take(self, rule: str, words: Sequence[Word], index: int) -> None:
        """Take the words of a rule, which begin at a word of the line; raise Mistake."""
        self._words += words
        match rule:
            case "inet" | "inet6":
                self._take_family(words[0], index)
            case "loose" if self.is_packed_at(index):
                self._take_packed(words[0])
            case "loose":
                self._take_bare(words[0])
            case "alias" | "delete":
                self._action = words[0]
                if index == self._packed_index and words[0].raw == "alias":
                    self._packed_index += 1
            case _:
                self._take_value(rule, words[0], words[1])

    def _take_family(self, word: Word, index: int) -> None:
        self._family = word
        if self._may_be_packed:
            self._packed = list(_PACKED[word.raw])
            self._packed_index = index + 1

    def _take_packed(self, word: Word) -> None:
        self._packed_index += 1
        role = self._packed.pop(0)
        if role == "address":
            self._take_address(word)
        elif not (role == "netmask" and word.value == "NONE" and self._length is not None):
            self._take_value(role, None, word)

    def _take_bare(self, word: Word) -> None:
        if self._address is None:
            self._take_address(word)
        elif self._destination is None and not self.is_inet6 and "/" not in word.value:
            if address_values.is_netmask(word):
                raise Mistake.about(word, Message.BARE_NETMASK)
            self._destination = word, address_values.ipv4(word)
        else:
            raise Mistake.about(word, Message.ADDRESS_TOO_MANY)

    def _take_address(self, word: Word) -> None:
        address_word, length_word = address_values.split_length(word)
        if self.is_inet6:
            self._address = word, address_values.interface_ipv6(address_word)
        else:
            self._address = word, address_values.interface_ipv4(address_word)
        if length_word is not None:
            self._set_length(length_word, self._read_length(length_word))

    def _take_value(self, role: str, keyword: Word | None, word: Word) -> None:
        if role != "prefixlen" and self.is_inet6:
            assert keyword is not None, "an inet6 line is packed otherwise"
            raise Mistake.about(keyword, Message.NOT_FOR_INET6, keyword=role)
        match role:
            case "netmask":
                address = "ADDRESS" if self._address is None else self._address[1]
                self._set_length(word, address_values.netmask_length(word, address))
            case "prefixlen":
                self._set_length(word, self._read_length(word))
            case _:
                is_none = keyword is None and word.value == "NONE"
                self._broadcast = (
                    None if is_none else (word, address_values.broadcast_address(word))
                )

    def _set_length(self, word: Word, length: int) -> None:
        if self._length not in (None, length):
            self._notes.warn(word, Message.OTHER_LENGTH)
        self._length = length

    def _read_length(self, word: Word) -> int:
        if self.is_inet6:
            return values.number(word, "prefix length", "inet6", 1, 128)
        return values.number(word, "prefix length", "inet", 0, 32)

    # ---- what they say ----

    @property
    def stretch(self) -> tuple[int, int]:
        """Where in the line the first of the words begins, and where the last one ends."""
        return self._words[0].start, self._words[-1].end

    def statement(self, span: Span) -> AddressStatement | None:
        """Return what the words say, None if no more than a family; raise Mistake."""
        removes = self._action is not None and self._action.raw != "alias"
        if self._address is None:
            return self._without_address(span, removes)
        word, address = self._address
        if isinstance(address, IPv6Address):
            if removes:
                return RemoveInet6(span, address)
            interface6 = IPv6Interface((address, self._length or INET6_DEFAULT_LENGTH))
            return Inet6(span, interface6, self._action is not None)
        if removes:
            return RemoveInet(span, address)
        interface = self._ipv4_interface(word, address)
        return Inet(span, interface, self._action is not None, self._broadcast_of(interface))

    def _without_address(self, span: Span, removes: bool) -> AddressStatement | None:
        for word in self._words:
            if word is not self._family and not (removes and word is self._action):
                keyword = word.raw
                raise Mistake.about(word, Message.ADDRESS_WORD_ALONE, keyword=keyword)
        if removes:
            return RemoveInet6(span, None) if self.is_inet6 else RemoveInet(span, None)
        assert self._family is not None, "it is all that is left"
        if self._may_be_packed:
            keyword = self._family.raw
            usage = KEYWORDS[keyword].usage
            raise Mistake.about(self._family, Message.MISSING_ADDRESS, keyword=keyword, usage=usage)
        return None

    def _ipv4_interface(self, word: Word, address: IPv4Address) -> IPv4Interface:
        if self._length is None:
            interface = IPv4Interface((address, address_values.classful_length(address)))
            self._notes.warn(word, Message.LENGTH_OF_CLASS, interface=interface)
            return interface
        if self._length == 0:
            self._notes.warn(word, Message.ZERO_LENGTH, address=address)
        return IPv4Interface((address, self._length or 32))

    def _broadcast_of(self, interface: IPv4Interface) -> IPv4Address | None:
        """Return the broadcast address that was given, under whichever name."""
        from_mask = interface.network.broadcast_address
        if self._broadcast is not None and self._broadcast[1] != from_mask:
            self._notes.warn(self._broadcast[0], Message.BROADCAST_UNUSED)
        if self._destination is not None and self._destination[1] != from_mask:
            self._notes.warn(self._destination[0], Message.DESTINATION_UNUSED)
        given = self._broadcast or self._destination
        return None if given is None else given[1]
