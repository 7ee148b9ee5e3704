"""The words of one statement to the statement: one function for each rule of the grammar.

Each takes the place, the words with the keyword first, and something to warn
through, and raises Mistake for a word that does not say what it should.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Protocol

from netstart_wg.model.address import PORT_MAX
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.source import Span
from netstart_wg.syntax import address_values, values
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.statements import (
    AnyStatement,
    Description,
    Down,
    Inet,
    Inet6,
    Mtu,
    RemoveAllPeers,
    RemovePeer,
    Up,
    WgAip,
    WgDescr,
    WgEndpoint,
    WgKey,
    WgPeer,
    WgPka,
    WgPort,
    WgPsk,
)
from netstart_wg.syntax.words import Word

MTU_MIN, MTU_MAX = 1, 9000
"""Bytes; wg(4)."""
KEEPALIVE_MAX = 43200
"""Seconds; ifconfig(8)."""
INET6_DEFAULT_LENGTH = 64

Words = Sequence[Word]


class Warn(Protocol):
    """Notes a warning about a word."""

    def __call__(self, word: Word, message: Message, **values: object) -> None:
        """Note it; the message's template may name the word as `word`."""


# ---- addresses ----


def inet(span: Span, words: Words, warn: Warn) -> Inet:
    """Read `inet [alias] ADDRESS[/LENGTH] [NETMASK [BROADCAST]]`."""
    is_alias = words[1].raw == "alias"
    interface, broadcast = _ipv4_interface(words[2 if is_alias else 1 :], warn)
    return Inet(span, interface, is_alias, broadcast)


def loose_inet(span: Span, words: Words, warn: Warn) -> Inet:
    """Read an address that stands for itself."""
    interface, _ = _ipv4_interface(words, warn)
    return Inet(span, interface)


def _ipv4_interface(words: Words, warn: Warn) -> tuple[IPv4Interface, IPv4Address | None]:
    address_word, length_word = address_values.split_length(words[0])
    address = address_values.interface_ipv4(address_word)
    masks = words[1:]
    if length_word is not None:
        length = values.number(length_word, "prefix length", "inet", 0, 32)
        if length == 0:
            warn(words[0], Message.ZERO_LENGTH, address=address)
            length = 32
        _refuse_second_length(masks)
        return IPv4Interface((address, length)), None
    if not masks:
        return IPv4Interface((address, address_values.classful_length(address))), None
    length = address_values.netmask_length(masks[0], address)
    interface = IPv4Interface((address, length))
    broadcast = address_values.broadcast_address(masks[1]) if len(masks) > 1 else None
    if broadcast is not None and broadcast != interface.network.broadcast_address:
        warn(masks[1], Message.BROADCAST_UNUSED)
    return interface, broadcast


def _refuse_second_length(masks: Words) -> None:
    """Raise Mistake for anything but NONE after ADDRESS/LENGTH."""
    for word in masks:
        if word.value != "NONE":
            raise Mistake.about(word, Message.TWO_LENGTHS)


def inet6(span: Span, words: Words, _: Warn) -> Inet6:
    """Read `inet6 [alias] ADDRESS[/LENGTH]` and `inet6 [alias] ADDRESS LENGTH`."""
    is_alias = words[1].raw == "alias"
    address_word, *lengths = words[2 if is_alias else 1 :]
    address_word, length_word = address_values.split_length(address_word)
    address = address_values.interface_ipv6(address_word)
    if length_word is None:
        length_word = lengths[0] if lengths else None
    elif lengths:
        raise Mistake.about(lengths[0], Message.TWO_LENGTHS)
    length = INET6_DEFAULT_LENGTH
    if length_word is not None:
        length = values.number(length_word, "prefix length", "inet6", 1, 128)
    return Inet6(span, IPv6Interface((address, length)), is_alias)


# ---- the interface ----


def wgkey(span: Span, words: Words, _: Warn) -> WgKey:
    """Read `wgkey KEY`."""
    return WgKey(span, values.key(words[1], PrivateKey, Message.BAD_KEY, "wgkey"))


def wgport(span: Span, words: Words, _: Warn) -> WgPort:
    """Read `wgport PORT`."""
    return WgPort(span, values.number(words[1], "port", "wgport", 0, PORT_MAX))


def mtu(span: Span, words: Words, _: Warn) -> Mtu:
    """Read `mtu BYTES`."""
    return Mtu(span, values.number(words[1], "size", "mtu", MTU_MIN, MTU_MAX))


def description(span: Span, words: Words, warn: Warn) -> Description:
    """Read `description TEXT`."""
    return Description(span, _text(words, warn))


def _text(words: Words, warn: Warn) -> str | None:
    text, was_cut = values.text(words[1])
    if was_cut:
        keyword = words[0].value
        warn(words[1], Message.TEXT_CUT, keyword=keyword, limit=values.TEXT_LIMIT_BYTES)
    return text


# ---- peers ----


def wgpeer(span: Span, words: Words, _: Warn) -> WgPeer:
    """Read `wgpeer KEY`."""
    return WgPeer(span, values.key(words[1], PublicKey, Message.BAD_PUBLIC_KEY, "wgpeer"))


def remove_peer(span: Span, words: Words, _: Warn) -> RemovePeer:
    """Read `-wgpeer KEY`."""
    return RemovePeer(span, values.key(words[1], PublicKey, Message.BAD_PUBLIC_KEY, "-wgpeer"))


def wgpsk(span: Span, words: Words, _: Warn) -> WgPsk:
    """Read `wgpsk KEY`."""
    return WgPsk(span, values.key(words[1], PresharedKey, Message.BAD_KEY, "wgpsk"))


def wgendpoint(span: Span, words: Words, _: Warn) -> WgEndpoint:
    """Read `wgendpoint HOST PORT`."""
    return WgEndpoint(span, address_values.endpoint(words[1], words[2]))


def wgaip(span: Span, words: Words, warn: Warn) -> WgAip:
    """Read `wgaip ADDRESS[/LENGTH]`."""
    network, has_host_bits = address_values.allowed_ip(words[1])
    if has_host_bits:
        warn(words[1], Message.HOST_BITS, network=network)
    return WgAip(span, network)


def wgpka(span: Span, words: Words, _: Warn) -> WgPka:
    """Read `wgpka SECONDS`."""
    return WgPka(span, values.number(words[1], "interval", "wgpka", 0, KEEPALIVE_MAX))


def wgdescr(span: Span, words: Words, warn: Warn) -> WgDescr:
    """Read `wgdescr TEXT`."""
    return WgDescr(span, _text(words, warn))


Converter = Callable[[Span, Words, Warn], AnyStatement]

CONVERTERS: Mapping[str, Converter] = {
    "inet": inet,
    "inet6": inet6,
    "loose": loose_inet,
    "wgkey": wgkey,
    "wgport": wgport,
    "remove_all_peers": lambda span, *_: RemoveAllPeers(span),
    "mtu": mtu,
    "up": lambda span, *_: Up(span),
    "down": lambda span, *_: Down(span),
    "description": description,
    "remove_description": lambda span, *_: Description(span, None),
    "wgpeer": wgpeer,
    "remove_peer": remove_peer,
    "wgpsk": wgpsk,
    "remove_psk": lambda span, *_: WgPsk(span, None),
    "wgendpoint": wgendpoint,
    "wgaip": wgaip,
    "wgpka": wgpka,
    "wgdescr": wgdescr,
    "remove_wgdescr": lambda span, *_: WgDescr(span, None),
}
"""Each rule of the grammar that makes a statement."""
