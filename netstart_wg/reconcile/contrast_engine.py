"""A change to an engine, subject by subject.

The change is compared with the engine that it is made to, never with the whole
file: what it does not mention costs no more than being looked up.  A prefix that
moves from a peer which stays is one contrast, at the peer that gets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from netstart_wg.model.address import IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange
from netstart_wg.model.difference import Effect
from netstart_wg.model.hidden import HIDDEN
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.reconcile.contrast import Contrast, name_of, sessions_of

_KEY_LINE = f"wgkey {HIDDEN}"


def contrast_engines(
    change: DeviceChange, before: WireGuardState, after: WireGuardState
) -> Iterator[Contrast]:
    """Yield what a change makes of an engine; `after` is what it leaves."""
    yield from _of_the_interface(change, before, after)
    yield from _Peers(change, before, after).contrasts()


def _of_the_interface(
    change: DeviceChange, before: WireGuardState, after: WireGuardState
) -> Iterator[Contrast]:
    if change.private_key is not UNCHANGED:
        yield Contrast(
            subject=("wgkey",),
            before=_KEY_LINE if before.private_key else None,
            after=_KEY_LINE if after.private_key else None,
            effect=Effect.REKEY,
            lost=sessions_of(before) if before.private_key else (),
        )
    if change.listen_port is not UNCHANGED:
        yield _of_number("wgport", before.listen_port, after.listen_port)
    if change.fwmark is not UNCHANGED:
        yield _of_number("fwmark", before.fwmark, after.fwmark)
    if change.wgrtable is not UNCHANGED:
        yield _of_number("wgrtable", before.wgrtable, after.wgrtable)
    if change.groups is not UNCHANGED:
        had, has = frozenset(before.groups), frozenset(after.groups)
        for name in (*before.groups, *after.groups):
            line = f"group {name}"
            if name not in has:
                yield Contrast(subject=("group", name), before=line, effect=Effect.NONE)
            elif name not in had:
                yield Contrast(subject=("group", name), after=line, effect=Effect.NONE)


def _of_number(word: str, before: int | None, after: int | None) -> Contrast:
    """Contrast two numbers; one that was never set is 0 or None."""
    return Contrast(
        subject=(word,), before=f"{word} {before}" if before else None, after=f"{word} {after}"
    )


class _Peers:
    """The peers that a change is about."""

    def __init__(self, change: DeviceChange, before: WireGuardState, after: WireGuardState) -> None:
        self._change = change
        self._before = {peer.public_key: peer for peer in before.peers}
        self._after = {peer.public_key: peer for peer in after.peers}
        self._owned = {net: peer for peer in before.peers for net in peer.allowed_ips}
        self._owns = {net: peer.public_key for peer in after.peers for net in peer.allowed_ips}

    def contrasts(self) -> Iterator[Contrast]:
        """Yield what goes, in the order that it was made, and the rest in that of the change."""
        for key, peer in self._before.items():
            if key not in self._after:
                yield _removed(peer)
        made_anew = {peer.public_key for peer in self._change.peers if peer.remove}
        for key in dict.fromkeys(peer.public_key for peer in self._change.peers):
            if (after := self._after.get(key)) is not None:
                is_anew = self._change.replace_peers or key in made_anew
                yield from self._of(after, is_anew=is_anew)

    def _of(self, after: PeerState, *, is_anew: bool) -> Iterator[Contrast]:
        before = self._before.get(after.public_key)
        if before is None:
            moved = [net for net in after.allowed_ips if self._comes_from_another(net, after)]
            yield _added(after, frozenset(moved))
            yield from self._moved(after, moved)
            return
        if is_anew:
            yield _made_anew(before)
        yield from _words(before, after)
        yield from self._networks(before, after)

    def _networks(self, before: PeerState, after: PeerState) -> Iterator[Contrast]:
        had, has = frozenset(before.allowed_ips), frozenset(after.allowed_ips)
        added = [net for net in after.allowed_ips if net not in had]
        moved = {net: None for net in added if self._comes_from_another(net, after)}
        for network in before.allowed_ips:
            if network not in has and network not in self._owns:
                yield _network(after, network, is_there=False)
        for network in added:
            if network not in moved:
                yield _network(after, network, is_there=True)
        yield from self._moved(after, moved)

    def _moved(self, peer: PeerState, networks: Iterable[IPNetwork]) -> Iterator[Contrast]:
        for network in networks:
            owner = self._owned[network]
            arrival = _network(peer, network, is_there=True)
            yield replace(arrival, before=_line(owner, network))

    def _comes_from_another(self, network: IPNetwork, peer: PeerState) -> bool:
        """Say whether a prefix belongs to another peer, which stays."""
        owner = self._owned.get(network)
        if owner is None or owner.public_key == peer.public_key:
            return False
        return owner.public_key in self._after


def contrast_peer(peer: PeerState) -> Contrast:
    """Contrast a peer that stays as it is."""
    line = _named_line_of(peer)
    return Contrast(
        subject=_subject("wgpeer", peer),
        before=line,
        after=line,
        peer=peer.description,
        effect=Effect.NONE,
    )


def _removed(peer: PeerState) -> Contrast:
    return Contrast(
        subject=_subject("wgpeer", peer),
        before=_named_line_of(peer),
        peer=peer.description,
        lost=_session_of(peer),
    )


def _added(peer: PeerState, moved: frozenset[IPNetwork]) -> Contrast:
    words = [_line_of(peer), *_said_of(peer).values()]
    words += [f"wgaip {network}" for network in peer.allowed_ips if network not in moved]
    return Contrast(subject=_subject("wgpeer", peer), after=" ".join(words), peer=peer.description)


def _made_anew(peer: PeerState) -> Contrast:
    return Contrast(
        subject=_subject("wgpeer", peer),
        before=_line_of(peer),
        after=_line_of(peer),
        peer=peer.description,
        effect=Effect.REKEY,
        lost=_session_of(peer),
    )


_EFFECTS = {"wgdescr": Effect.NONE, "wgpsk": Effect.REKEY}
"""Of the words of a peer; of the others, in place."""


def _words(before: PeerState, after: PeerState) -> Iterator[Contrast]:
    """Yield what differs of a peer besides its allowed IPs."""
    had, has = _said_of(before), _said_of(after)
    differs_in_secret = before.preshared_key != after.preshared_key
    for word in ("wgdescr", "wgpsk", "wgendpoint", "wgpka"):
        if had.get(word) != has.get(word) or (word == "wgpsk" and differs_in_secret):
            yield Contrast(
                subject=_subject(word, after),
                before=f"{_line_of(after)} {had[word]}" if word in had else None,
                after=f"{_line_of(after)} {has[word]}" if word in has else None,
                peer=after.description or before.description,
                effect=_EFFECTS.get(word, Effect.IN_PLACE),
            )


def _said_of(peer: PeerState) -> dict[str, str]:
    """Return the words that make the peer what it is, but its allowed IPs."""
    said: dict[str, str] = {}
    if peer.description is not None:
        said["wgdescr"] = f"wgdescr {peer.description}"
    if peer.preshared_key is not None:
        said["wgpsk"] = f"wgpsk {HIDDEN}"
    if peer.endpoint is not None:
        said["wgendpoint"] = f"wgendpoint {peer.endpoint.address} {peer.endpoint.port}"
    if peer.persistent_keepalive:
        said["wgpka"] = f"wgpka {peer.persistent_keepalive}"
    return said


def _network(peer: PeerState, network: IPNetwork, *, is_there: bool) -> Contrast:
    line = _line(peer, network)
    return Contrast(
        subject=("wgaip", peer.public_key.to_base64(), str(network)),
        before=None if is_there else line,
        after=line if is_there else None,
        peer=peer.description,
    )


def _subject(word: str, peer: PeerState) -> tuple[str, str]:
    return word, peer.public_key.to_base64()


def _line(peer: PeerState, network: IPNetwork) -> str:
    return f"{_line_of(peer)} wgaip {network}"


def _line_of(peer: PeerState) -> str:
    return f"wgpeer {peer.public_key.to_base64()}"


def _named_line_of(peer: PeerState) -> str:
    words = f" wgdescr {peer.description}" if peer.description else ""
    return _line_of(peer) + words


def _session_of(peer: PeerState) -> tuple[str, ...]:
    return (name_of(peer),) if peer.last_handshake_ns else ()
