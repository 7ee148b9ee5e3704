"""The words of one statement to the statement: one function for each rule of the grammar.

Each takes the place, the words with the keyword first, and something to warn
through, and raises Mistake for a word that does not say what it should.  The
words about an address make one statement together: `address_command`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from netstart_wg.model.address import PORT_MAX
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.source import Span
from netstart_wg.syntax import address_values, values
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.statements import (
    AnyStatement,
    Create,
    Debug,
    Description,
    Dest,
    Destroy,
    Down,
    Group,
    Mtu,
    NoEffect,
    Priority,
    Rdomain,
    RemoveAllPeers,
    RemoveFamily,
    RemoveGroup,
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
    WgRtable,
)
from netstart_wg.syntax.words import Word

MTU_MIN, MTU_MAX = 1, 9000
"""Bytes; wg(4)."""
KEEPALIVE_MAX = 43200
"""Seconds; ifconfig(8)."""
RDOMAIN_MAX = 255
PRIORITY_MAX = 15
LLPRIO_MAX = 7
METRIC_MAX = 2**31 - 1

Words = Sequence[Word]


class Notes(Protocol):
    """What a converter may ask for besides the words."""

    def warn(self, word: Word, message: Message, **values: object) -> None:
        """Note a warning about a word; the message's template may name it as `word`."""

    def service_port(self, name: str) -> int | None:
        """Return the UDP port of a service, by its name."""


# ---- addresses ----


def dest(span: Span, words: Words, _: Notes) -> Dest:
    """Read `dest ADDRESS`."""
    return Dest(span, address_values.ipv4(words[1]))


# ---- the interface ----


def rdomain(span: Span, words: Words, _: Notes) -> Rdomain:
    """Read `rdomain NUMBER`."""
    return Rdomain(span, values.number(words[1], "number", "rdomain", 0, RDOMAIN_MAX))


def group(span: Span, words: Words, _: Notes) -> Group:
    """Read `group NAME`."""
    return Group(span, values.group_name(words[1]))


def remove_group(span: Span, words: Words, _: Notes) -> RemoveGroup:
    """Read `-group NAME`."""
    return RemoveGroup(span, values.group_name(words[1]))


def mtu(span: Span, words: Words, _: Notes) -> Mtu:
    """Read `mtu BYTES`."""
    return Mtu(span, values.number(words[1], "size", "mtu", MTU_MIN, MTU_MAX))


def priority(span: Span, words: Words, _: Notes) -> Priority:
    """Read `priority NUMBER`."""
    return Priority(span, values.number(words[1], "number", "priority", 0, PRIORITY_MAX))


def llprio(span: Span, words: Words, notes: Notes) -> NoEffect:
    """Read `llprio NUMBER`."""
    values.number(words[1], "number", "llprio", 0, LLPRIO_MAX)
    return no_effect(span, words, notes)


def metric(span: Span, words: Words, notes: Notes) -> NoEffect:
    """Read `metric NUMBER`."""
    values.number(words[1], "number", "metric", 0, METRIC_MAX)
    return no_effect(span, words, notes)


def no_effect(span: Span, words: Words, notes: Notes) -> NoEffect:
    """Read a word that is without meaning on Linux."""
    keyword = words[0].value
    notes.warn(words[0], Message.NO_EFFECT, keyword=keyword)
    return NoEffect(span, keyword)


def description(span: Span, words: Words, notes: Notes) -> Description:
    """Read `description TEXT`."""
    return Description(span, _text(words, notes))


def _text(words: Words, notes: Notes) -> str | None:
    if words[1].raw in KEYWORDS:
        notes.warn(words[1], Message.KEYWORD_AS_TEXT, keyword=words[0].value)
    text, was_cut = values.text(words[1])
    if was_cut:
        keyword = words[0].value
        notes.warn(words[1], Message.TEXT_CUT, keyword=keyword, limit=values.TEXT_LIMIT_BYTES)
    return text


# ---- WireGuard ----


def wgkey(span: Span, words: Words, _: Notes) -> WgKey:
    """Read `wgkey KEY`."""
    return WgKey(span, values.key(words[1], PrivateKey, Message.BAD_KEY, "wgkey"))


def wgport(span: Span, words: Words, _: Notes) -> WgPort:
    """Read `wgport PORT`."""
    return WgPort(span, values.number(words[1], "port", "wgport", 0, PORT_MAX))


def wgrtable(span: Span, words: Words, _: Notes) -> WgRtable:
    """Read `wgrtable NUMBER`."""
    return WgRtable(span, values.number(words[1], "number", "wgrtable", 0, RDOMAIN_MAX))


# ---- peers ----


def wgpeer(span: Span, words: Words, _: Notes) -> WgPeer:
    """Read `wgpeer KEY`."""
    return WgPeer(span, values.key(words[1], PublicKey, Message.BAD_PUBLIC_KEY, "wgpeer"))


def remove_peer(span: Span, words: Words, _: Notes) -> RemovePeer:
    """Read `-wgpeer KEY`."""
    return RemovePeer(span, values.key(words[1], PublicKey, Message.BAD_PUBLIC_KEY, "-wgpeer"))


def wgpsk(span: Span, words: Words, _: Notes) -> WgPsk:
    """Read `wgpsk KEY`."""
    return WgPsk(span, values.key(words[1], PresharedKey, Message.BAD_KEY, "wgpsk"))


def wgendpoint(span: Span, words: Words, notes: Notes) -> WgEndpoint:
    """Read `wgendpoint HOST PORT`."""
    endpoint = address_values.endpoint(words[1], words[2], notes.service_port)
    return WgEndpoint(span, endpoint)


def wgaip(span: Span, words: Words, notes: Notes) -> WgAip:
    """Read `wgaip ADDRESS[/LENGTH]`."""
    network, has_host_bits = address_values.allowed_ip(words[1])
    if address_values.ends_in_half_octet(words[1]):
        notes.warn(words[1], Message.HALF_OCTET, network=network)
    elif has_host_bits:
        notes.warn(words[1], Message.HOST_BITS, network=network)
    return WgAip(span, network)


def wgpka(span: Span, words: Words, _: Notes) -> WgPka:
    """Read `wgpka SECONDS`."""
    return WgPka(span, values.number(words[1], "interval", "wgpka", 0, KEEPALIVE_MAX))


def wgdescr(span: Span, words: Words, notes: Notes) -> WgDescr:
    """Read `wgdescr TEXT`."""
    return WgDescr(span, _text(words, notes))


Converter = Callable[[Span, Words, Notes], AnyStatement]

CONVERTERS: Mapping[str, Converter] = {
    "dest": dest,
    "create": lambda span, *_: Create(span),
    "destroy": lambda span, *_: Destroy(span),
    "up": lambda span, *_: Up(span),
    "down": lambda span, *_: Down(span),
    "debug": lambda span, *_: Debug(span, is_on=True),
    "remove_debug": lambda span, *_: Debug(span, is_on=False),
    "mtu": mtu,
    "rdomain": rdomain,
    "remove_rdomain": lambda span, *_: Rdomain(span, 0),
    "group": group,
    "remove_group": remove_group,
    "description": description,
    "remove_description": lambda span, *_: Description(span, None),
    "priority": priority,
    "llprio": llprio,
    "metric": metric,
    "rtlabel": no_effect,
    "remove_rtlabel": no_effect,
    "remove_inet": lambda span, *_: RemoveFamily(span, 4),
    "remove_inet6": lambda span, *_: RemoveFamily(span, 6),
    "wgkey": wgkey,
    "wgport": wgport,
    "wgrtable": wgrtable,
    "remove_all_peers": lambda span, *_: RemoveAllPeers(span),
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
"""Each rule of the grammar that makes a statement by itself."""
