"""The modifiers of route(8), by what they are to us: one table.

They may stand before, between and behind the destination and the gateway.
"""

from __future__ import annotations

import difflib

from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.refused import Refusal
from netstart_wg.syntax.words import Word

ARGUMENTS = {
    "-dst": "DESTINATION",
    "-gateway": "GATEWAY",
    "-netmask": "MASK",
    "-prefixlen": "LENGTH",
    "-ifp": "INTERFACE",
    "-priority": "NUMBER",
    "-mtu": "BYTES",
    "-label": "LABEL",
    "-hopcount": "NUMBER",
    "-recvpipe": "NUMBER",
    "-rtt": "NUMBER",
    "-rttvar": "NUMBER",
    "-sendpipe": "NUMBER",
    "-ssthresh": "NUMBER",
}
"""Those that take one."""

PLAIN = frozenset(
    {"-inet", "-inet6", "-link", "-host", "-net", "-iface", "-interface", "-mpath"}
    | {"-blackhole", "-reject"}
)
"""Those that take none, and say something."""

WITHOUT_MEANING = frozenset(
    {"-cloning", "-nocloning", "-static", "-nostatic", "-llinfo", "-proto1", "-proto2", "-nobfd"}
    | {"-hopcount", "-recvpipe", "-rtt", "-rttvar", "-sendpipe", "-ssthresh"}
)
"""Flags of OpenBSD's own bookkeeping, and metrics that it ignores, too."""

WITHOUT_EFFECT = frozenset({"-label", "-lock", "-lockrest"})
"""Those that do something on OpenBSD; nothing that changes where packets go."""

_MPLS = Refusal("is about MPLS, and no packets of that kind go through a tunnel")

REFUSED = {
    "-expire": Refusal("makes a route go by itself, and what a file declares stays"),
    "-ifa": Refusal(
        "chooses the source address of packets", "name the interface instead: -ifp wg0"
    ),
    "-bfd": Refusal("asks for a watch over the gateway, and there is none here"),
    "-sa": Refusal("reads addresses as hexadecimal octets", "write them as addresses"),
    **dict.fromkeys(("-mpls", "-mplslabel", "-in", "-out", "-push", "-pop", "-swap"), _MPLS),
}

REFUSED_WITH_ARGUMENT = frozenset({"-expire", "-ifa", "-in", "-mplslabel", "-out"})

ACTIONS_REFUSED = {
    "flush": Refusal(
        "removes routes that others have made", "route delete takes back one that is declared"
    ),
    "get": Refusal("asks what there is, and a file says what shall be", "ask ip route get"),
    "show": Refusal("asks what there is, and a file says what shall be", "ask ip route"),
    "monitor": Refusal("never ends", "watch with ip monitor route"),
    "sourceaddr": Refusal(
        "chooses a source address for a whole table, and Linux has one for each route",
        "leave it out, or begin the line with !ip route change and end it with src ADDRESS",
    ),
    "nameserver": Refusal(
        "tells resolvd(8) of name servers, and there is none on Linux",
        "tell the resolver that is there, such as with !resolvectl dns $if ADDRESS",
    ),
}
"""What route(8) can do besides, and a file cannot ask for."""

LINUX_WORDS = frozenset({"dev", "gw", "metric", "netmask", "proto", "scope", "src", "table", "via"})
"""Words of Linux's route(8) and ip-route(8) that people write out of habit."""

_LONGEST_GUESS = 32


def refused(word: Word, refusal: Refusal) -> Mistake:
    """Say why a word can mean nothing here."""
    return Mistake.about(word, Message.MEANINGLESS, reason=refusal.reason, advice=refusal.hint)


def nearest(word: str) -> str | None:
    """Return the modifier that was probably meant by a word that is none."""
    if len(word) > _LONGEST_GUESS:
        return None
    known = [*ARGUMENTS, *PLAIN]
    found = difflib.get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.75)
    return found[0] if found else None
