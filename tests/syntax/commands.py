"""Hypothesis strategies for ifconfig(8) commands as the reference reads them.

A list of commands keeps to one subject and few values of it, so that peers are
declared again, allowed IPs move, addresses replace each other, and the interface
meets its own key as a peer.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TypeVar

import hypothesis.strategies as st

from netstart_wg.model.keys import PrivateKey
from tests.syntax.reference_fold import Command, Word
from tests.syntax.x25519 import derive_public_key

T = TypeVar("T")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


ZERO_KEY = _base64(bytes(32))
PRIVATE_KEYS = (
    *(_base64(bytes([number]) * 32) for number in (1, 8)),
    # the same as the one before, once it is clamped
    _base64(bytes([9]) + bytes([8]) * 30 + bytes([0x88])),
)
OWN_KEYS = tuple(
    derive_public_key(PrivateKey.from_base64(key)).to_base64() for key in PRIVATE_KEYS[:2]
)
PEER_KEYS = tuple(_base64(bytes([number]) * 32) for number in (11, 12, 13))
PRESHARED_KEYS = tuple(_base64(bytes([number]) * 32) for number in (21, 22))

TEXTS = (
    *("laptop", "up", "-wgpeerall", "", "#1", "Bob's", "the  office", "2nd \t floor", " "),
    *('costs $5, says "he"', "a;b|c&d<e>f(g)h`i", "back\\slash", "*?[~{", "!true", "Zoë"),
    *("x" * 63, "x" * 64, "é" * 40, "x" * 62 + "é", "x " * 40),
)
SIMILAR_NETWORKS = ("10.0.0.2", "10.0.0.2/32", "10.0.0.2/24", "10.0.0.0/24", "10.0.0", "10/8")
NETWORKS = (
    *SIMILAR_NETWORKS,
    *("10", "172.16", "192.168", "224", "0/0", "0x0a000000/8", "0xac10", "10.0.0.3/31"),
    *("fd00::2", "FD00::0:2/128", "fd00::/64", "fd00::1/64", "::/0"),
)
ENDPOINTS = (
    *(("192.0.2.1", "51820"), ("2001:db8::1", "51820"), ("2001:DB8:0::1", "1")),
    *(("fe80::1%eth0", "65535"), ("vpn.example.net", "51820"), ("mtu", "7")),
)
GROUPS = ("office", "wg", "a-b", "#3x", "vpn")


# ---- words ----


def words(keyword: str, *arguments: str) -> st.SearchStrategy[Word]:
    """Return what draws a word with one of the arguments, or with none if there is none."""
    if not arguments:
        return st.just((keyword,))
    return st.sampled_from([(keyword, argument) for argument in arguments])


def _addresses(
    addresses: tuple[str, ...], lengths: tuple[str, ...], *keywords: str
) -> st.SearchStrategy[Word]:
    return st.builds(
        lambda keyword, address, length: (keyword, address, *length),
        st.sampled_from(keywords),
        st.sampled_from(addresses),
        st.sampled_from([(), *((length,) for length in lengths)]),
    )


FEW_INET = ("10.0.0.1", "10.0.0.2", "10.0.1.1")
INET = (*FEW_INET, "172.16.0.1", "192.168.0.1")
INET6 = ("fd00::1", "fd00::2", "FD00:0::2", "2001:db8::1")
REMOVALS = st.one_of(
    words("inet delete", *FEW_INET),
    words("inet6 delete", *INET6),
    words("inet delete") | words("inet6 delete"),
)
FEW_ADDRESSES = st.one_of(
    _addresses(FEW_INET, ("24", "32"), "inet", "inet alias", "inet alias"),
    _addresses(FEW_INET, ("24", "32"), "inet", "inet alias", "inet alias"),
    _addresses(INET6[:2], ("128",), "inet6"),
    REMOVALS,
)
ADDRESSES = st.one_of(
    _addresses(INET, ("24", "8", "0"), "inet", "inet alias", "inet alias"),
    _addresses(INET6, ("64", "128", "3"), "inet6", "inet6 alias"),
    REMOVALS,
)
FLAGS = words("up") | words("down") | words("debug") | words("-debug")
RDOMAINS = words("rdomain", "0", "1", "255") | words("-rdomain")
REMOVED_FAMILIES = words("-inet") | words("-inet6")
OWN = words("wgkey", *PRIVATE_KEYS, ZERO_KEY)
NUMBERS = st.one_of(
    words("mtu", "1280", "1420", "09000"),  # smaller ones leave no room for IPv6
    words("wgport", "0", "51820", "65535"),
    words("wgrtable", "0", "1", "255"),
)
GROUP_WORDS = words("group", *GROUPS) | words("-group", *GROUPS[:2])
DESCRIPTIONS = st.one_of(
    words("description", *TEXTS) | words("descr", *TEXTS),
    words("-description") | words("-descr"),
)
WITHOUT_EFFECT = st.one_of(
    words("priority", "0", "15") | words("llprio", "7") | words("metric", "2147483647"),
    words("rtlabel", "office") | words("-rtlabel") | words("create"),
)
INTERFACE_WORDS = st.one_of(
    *(FLAGS, RDOMAINS, REMOVED_FAMILIES, OWN, NUMBERS, GROUP_WORDS, DESCRIPTIONS, WITHOUT_EFFECT),
    *(words("-wgpeerall"), words("destroy")),
)
PEER_TEXTS = st.one_of(
    words("wgdescr", *TEXTS) | words("wgdescription", *TEXTS),
    words("-wgdescr") | words("-wgdescription"),
)
PEER_WORDS = st.one_of(
    words("wgaip", *NETWORKS),
    words("wgpsk", *PRESHARED_KEYS, ZERO_KEY) | words("-wgpsk"),
    st.sampled_from(ENDPOINTS).map(lambda endpoint: ("wgendpoint", *endpoint)),
    words("wgpka", "0", "25", "43200"),
    PEER_TEXTS,
)


# ---- commands ----


@dataclass(frozen=True, slots=True, repr=False)
class Subject:
    """What the commands of a list are about."""

    interface: st.SearchStrategy[Word]
    addresses: st.SearchStrategy[Word] | None = None
    peers: tuple[str, ...] = ()
    about_peers: st.SearchStrategy[Word] = PEER_WORDS


EVERYTHING = Subject(INTERFACE_WORDS, ADDRESSES, PEER_KEYS + OWN_KEYS)
SUBJECTS = (
    EVERYTHING,
    Subject(
        st.one_of(OWN, OWN, OWN, words("-wgpeerall"), words("wgport", "1", "0")),
        peers=PEER_KEYS[:2] + OWN_KEYS,
        about_peers=words("wgaip", *SIMILAR_NETWORKS) | words("wgpka", "0", "25"),
    ),
    Subject(NUMBERS, peers=PEER_KEYS[:2], about_peers=words("wgaip", *NETWORKS)),
    Subject(DESCRIPTIONS, peers=PEER_KEYS[:1], about_peers=PEER_TEXTS),
    Subject(FLAGS, FEW_ADDRESSES),
    Subject(RDOMAINS | RDOMAINS | REMOVED_FAMILIES | words("destroy"), FEW_ADDRESSES),
    Subject(GROUP_WORDS, ADDRESSES),
)


@st.composite
def commands(draw: st.DrawFn, subject: Subject) -> Command:
    """Draw a command without mistakes: peer words follow a peer, there is one address at most."""
    command = draw(st.lists(subject.interface, max_size=2))
    about = subject.about_peers
    for key in draw(st.lists(st.sampled_from(subject.peers), max_size=2)) if subject.peers else ():
        command.append((draw(st.sampled_from(["wgpeer"] * 5 + ["-wgpeer"])), key))
        # words about the interface do not change who is spoken of
        command += draw(st.lists(st.one_of(about, about, about, subject.interface), max_size=4))
    if subject.addresses is not None and (not command or draw(st.booleans())):
        command.insert(draw(st.integers(0, len(command))), draw(subject.addresses))
    return command or [draw(subject.interface)]


def several(elements: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    """Return what draws a few, or many."""
    return st.lists(elements, max_size=4) | st.lists(elements, min_size=6, max_size=12)
