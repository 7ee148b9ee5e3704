"""The destination of a route, read as OpenBSD's route(8) does.

An IPv4 address that is written in full is one address, whatever its zeroes
suggest; one that leaves out octets is a network of inet_net_pton(3).  An IPv6
address without a length is one address, but for `::`, which is the default.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Protocol

from netstart_wg.model.address import IPNetwork
from netstart_wg.syntax import address_values, values
from netstart_wg.syntax.messages import Message, MessageTable
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.route_messages import RouteDifference, RouteMessage
from netstart_wg.syntax.words import Word

DEFAULT: dict[str, IPNetwork] = {
    "inet": IPv4Network("0.0.0.0/0"),
    "inet6": IPv6Network("::/0"),
}
"""What the word `default` means, by family."""

_BITS = {"inet": 32, "inet6": 128}


class Breadth(enum.Enum):
    """What the command says that its destination is."""

    ANY = ""
    HOST = "-host"
    NETWORK = "-net"


@dataclass(frozen=True, slots=True)
class WrittenLength:
    """A prefix length that does not stand in the same word: -netmask or -prefixlen."""

    word: Word
    is_netmask: bool


class Notes(Protocol):
    """What a reader may ask for besides the words."""

    def remark(self, message: MessageTable, word: Word, **values: object) -> None:
        """Note a warning, or what OpenBSD would read differently."""


def family_of(text: str) -> str:
    """Say which family an address belongs to, if it is one."""
    return "inet6" if ":" in text else "inet"


def length_of_default(length: WrittenLength) -> None:
    """Look at the length that somebody gave to `default`; raise Mistake unless it is 0."""
    if _bits(length, "inet6" if not length.is_netmask else "inet") != 0:
        raise Mistake.about(length.word, Message.TWO_LENGTHS)


def read_destination(
    word: Word, breadth: Breadth, length: WrittenLength | None, notes: Notes
) -> IPNetwork:
    """Read a destination that is not the word `default`; raise Mistake."""
    family = family_of(word.value)
    bits = None if length is None else _bits(length, family)
    has_own_length = "/" in word.value
    if bits is None or has_own_length:
        network, has_more_bits = _network(word)
    else:
        network, has_more_bits = _network(word._replace(value=f"{word.value}/{bits}"))
    if has_own_length and length is not None and bits != network.prefixlen:
        raise Mistake.about(length.word, Message.TWO_LENGTHS)
    if bits is None and not has_own_length:
        return _without_length(word, network, breadth, notes)
    if breadth is Breadth.HOST:
        if network.prefixlen != _BITS[family]:
            raise Mistake.about(word, RouteMessage.NOT_A_HOST)
        if has_own_length and family == "inet":
            notes.remark(RouteDifference.LENGTH_OF_HOST, word)
    if has_more_bits:
        if network.prefixlen == 0:
            raise Mistake.about(word, RouteMessage.NOT_DEFAULT)
        notes.remark(Message.HOST_BITS, word, network=network)
    return network


def _bits(length: WrittenLength, family: str) -> int:
    if not length.is_netmask:
        return values.number(length.word, "prefix length", "-prefixlen", 0, _BITS[family])
    if family == "inet6":
        raise Mistake.about(length.word, RouteMessage.NETMASK_OF_INET6)
    if length.word.value == "0.0.0.0":  # noqa: S104  (no address to bind to)
        return 0
    return address_values.netmask_length(length.word, "DESTINATION")


def _network(word: Word) -> tuple[IPNetwork, bool]:
    """Read what inet_net_pton(3) reads; and say whether it had bits to be cleared."""
    try:
        return address_values.allowed_ip(word)
    except Mistake as mistake:
        if mistake.message in (Message.BAD_ALLOWED_IP, Message.SEVERAL_ALLOWED_IPS):
            raise Mistake.about(word, RouteMessage.BAD_DESTINATION) from None
        raise


def _without_length(word: Word, network: IPNetwork, breadth: Breadth, notes: Notes) -> IPNetwork:
    if _leaves_out_octets(word):
        if breadth is Breadth.HOST:
            raise Mistake.about(word, RouteMessage.NOT_A_HOST)
        notes.remark(RouteMessage.LENGTH_INFERRED, word, network=network)
        return network
    suggested = _suggested(network)
    if breadth is Breadth.HOST:
        return network
    if network.version == 6 and suggested.prefixlen == 0:
        return suggested
    if breadth is Breadth.NETWORK:
        if suggested == network:
            raise Mistake.about(word, RouteMessage.NOT_A_NETWORK)
        notes.remark(RouteMessage.LENGTH_GUESSED, word, network=suggested)
        return suggested
    if suggested.prefixlen == 0:
        raise Mistake.about(word, RouteMessage.NOT_DEFAULT)
    if suggested != network:
        notes.remark(RouteMessage.ONE_ADDRESS, word, network=suggested)
    return network


def _leaves_out_octets(word: Word) -> bool:
    """Say whether an IPv4 address is shorter than it could be."""
    text = word.value
    if text[:2] in ("0x", "0X"):
        return len(text) <= len("0x000000")
    return family_of(text) == "inet" and text.count(".") < 3


def _suggested(host: IPNetwork) -> IPNetwork:
    """Return the network that the zeroes at the end of an address suggest."""
    octets = host.network_address.packed
    unit = 1 if host.version == 4 else 2
    used = -(-len(octets.rstrip(b"\0")) // unit) * unit
    return ip_network((octets, 8 * used))
