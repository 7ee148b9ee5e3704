"""The words of the language.

The grammar says where a keyword may stand; this table says what it is for and
how it is used, for messages.  A test holds that both have the same words.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Place(enum.Enum):
    """What a keyword is about."""

    FAMILY = "family"
    """Starts a line, and nothing else."""
    ADDRESS = "address"
    """Anywhere on a line, and about the address of that line."""
    INTERFACE = "interface"
    """Anywhere on a line."""
    PEER = "peer"
    """After a wgpeer or -wgpeer of the same line."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """One word of ifconfig(8)."""

    name: str
    place: Place
    arguments: str = ""
    """As in a manual's synopsis."""

    @property
    def usage(self) -> str:
        """The keyword with its arguments."""
        return f"{self.name} {self.arguments}".rstrip()


_KEYWORDS = (
    Keyword("inet", Place.FAMILY, "[alias] ADDRESS/LENGTH"),
    Keyword("inet6", Place.FAMILY, "[alias] ADDRESS/LENGTH"),
    Keyword("dest", Place.FAMILY, "ADDRESS"),
    Keyword("alias", Place.ADDRESS),
    Keyword("-alias", Place.ADDRESS),
    Keyword("delete", Place.ADDRESS),
    Keyword("netmask", Place.ADDRESS, "MASK"),
    Keyword("broadcast", Place.ADDRESS, "ADDRESS"),
    Keyword("prefixlen", Place.ADDRESS, "LENGTH"),
    Keyword("create", Place.INTERFACE),
    Keyword("destroy", Place.INTERFACE),
    Keyword("wgkey", Place.INTERFACE, "KEY"),
    Keyword("wgport", Place.INTERFACE, "PORT"),
    Keyword("wgrtable", Place.INTERFACE, "NUMBER"),
    Keyword("wgpeer", Place.INTERFACE, "KEY"),
    Keyword("-wgpeer", Place.INTERFACE, "KEY"),
    Keyword("-wgpeerall", Place.INTERFACE),
    Keyword("mtu", Place.INTERFACE, "BYTES"),
    Keyword("up", Place.INTERFACE),
    Keyword("down", Place.INTERFACE),
    Keyword("debug", Place.INTERFACE),
    Keyword("-debug", Place.INTERFACE),
    Keyword("rdomain", Place.INTERFACE, "NUMBER"),
    Keyword("-rdomain", Place.INTERFACE),
    Keyword("group", Place.INTERFACE, "NAME"),
    Keyword("-group", Place.INTERFACE, "NAME"),
    Keyword("description", Place.INTERFACE, "TEXT"),
    Keyword("descr", Place.INTERFACE, "TEXT"),
    Keyword("-description", Place.INTERFACE),
    Keyword("-descr", Place.INTERFACE),
    Keyword("-inet", Place.INTERFACE),
    Keyword("-inet6", Place.INTERFACE),
    Keyword("priority", Place.INTERFACE, "NUMBER"),
    Keyword("llprio", Place.INTERFACE, "NUMBER"),
    Keyword("metric", Place.INTERFACE, "NUMBER"),
    Keyword("rtlabel", Place.INTERFACE, "LABEL"),
    Keyword("-rtlabel", Place.INTERFACE),
    Keyword("wgpsk", Place.PEER, "KEY"),
    Keyword("-wgpsk", Place.PEER),
    Keyword("wgendpoint", Place.PEER, "HOST PORT"),
    Keyword("wgaip", Place.PEER, "ADDRESS/LENGTH"),
    Keyword("wgpka", Place.PEER, "SECONDS"),
    Keyword("wgdescr", Place.PEER, "TEXT"),
    Keyword("wgdescription", Place.PEER, "TEXT"),
    Keyword("-wgdescr", Place.PEER),
    Keyword("-wgdescription", Place.PEER),
)

KEYWORDS: Mapping[str, Keyword] = {keyword.name: keyword for keyword in _KEYWORDS}

SECRET_KEYWORDS = frozenset({"wgkey", "wgpsk"})
"""Their argument is nobody's business."""

FOREIGN: Mapping[str, str] = {
    "address": "inet",
    "allowedips": "wgaip",
    "endpoint": "wgendpoint",
    "listenport": "wgport",
    "persistentkeepalive": "wgpka",
    "presharedkey": "wgpsk",
    "privatekey": "wgkey",
    "publickey": "wgpeer",
    "[peer]": "wgpeer",
}
"""What people write who know wg-quick(8) (in lower case), and what it is called here."""

_LONGEST_GUESS = 32


def nearest(word: str) -> str | None:
    """Return the keyword that was probably meant by a word that is none."""
    lowered = word.lower()
    if lowered in KEYWORDS:
        return lowered
    if lowered in FOREIGN:
        return FOREIGN[lowered]
    if len(word) > _LONGEST_GUESS:
        return None
    found = difflib.get_close_matches(lowered, KEYWORDS, n=1, cutoff=0.65)
    return found[0] if found else None
