"""The WireGuard words of one command after the other, folded as SIOCSWG of wg(4) does.

All of one command is one call: first -wgpeerall, then the key, then the port,
then the peers in order.  An allowed IP belongs to the last peer that claims it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, assert_never

from netstart_wg.model.address import Endpoint, EndpointName, IPNetwork
from netstart_wg.model.config import PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.source import Span, Subject
from netstart_wg.syntax.findings import Findings, quote
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.statements import (
    PeerStatement,
    RemoveAllPeers,
    RemovePeer,
    WgAip,
    WgDescr,
    WgEndpoint,
    WgKey,
    WgPeer,
    WgPka,
    WgPort,
    WgPsk,
    WgRtable,
    WireGuardStatement,
)

_WORDS: Mapping[type[WireGuardStatement], str] = {
    WgKey: "wgkey",
    WgPort: "wgport",
    WgRtable: "wgrtable",
    WgPsk: "wgpsk",
    WgEndpoint: "wgendpoint",
    WgPka: "wgpka",
    WgDescr: "wgdescr",
}
"""What a statement says the whole of: the last one holds."""

DerivePublicKey = Callable[[PrivateKey], PublicKey]
"""X25519 with the base point; this layer has no cryptography."""


@dataclass(slots=True, kw_only=True)
class _Peer:
    """A peer on its way to being a PeerConfig."""

    public_key: PublicKey
    span: Span | None = None
    """Where it was named first; None: it was there before the file."""
    preshared_key: PresharedKey | None = None
    endpoint: Endpoint | EndpointName | None = None
    persistent_keepalive: int = 0
    allowed_ips: dict[IPNetwork, Span | None] = field(default_factory=dict)
    """Each with the place that claims it."""
    places: dict[str, Span] = field(default_factory=dict)
    """Of its other words."""
    description: str | None = None
    config: PeerConfig | None = None
    """As it is now, unless something has changed since somebody asked."""

    @classmethod
    def of(cls, config: PeerConfig) -> Self:
        """Return a peer that is there before the first command."""
        return cls(
            public_key=config.public_key,
            preshared_key=config.preshared_key,
            endpoint=config.endpoint,
            persistent_keepalive=config.persistent_keepalive,
            allowed_ips=dict.fromkeys(config.allowed_ips),
            description=config.description,
            config=config,
        )

    def current_config(self) -> PeerConfig:
        """Return it as it is now; the same object until something changes."""
        if self.config is None:
            self.config = PeerConfig(
                public_key=self.public_key,
                preshared_key=self.preshared_key,
                endpoint=self.endpoint,
                persistent_keepalive=self.persistent_keepalive,
                allowed_ips=tuple(self.allowed_ips),
                description=self.description,
            )
        return self.config


@dataclass(slots=True)
class _Call:
    """What one command says about WireGuard: the argument of one SIOCSWG."""

    removes_all_peers: bool = False
    key: WgKey | None = None
    port: WgPort | None = None
    rdomain: WgRtable | None = None
    records: list[tuple[WgPeer | RemovePeer, list[PeerStatement]]] = field(default_factory=list)
    """Each wgpeer and -wgpeer with the peer words after it."""

    @classmethod
    def of(cls, statements: Sequence[WireGuardStatement]) -> Self:
        """Collect the words of one command; of the interface's own the last counts."""
        call = cls()
        for statement in statements:
            match statement:
                case WgAip() | WgDescr() | WgEndpoint() | WgPsk() | WgPka():
                    call.records[-1][1].append(statement)
                case WgPeer() | RemovePeer():
                    call.records.append((statement, []))
                case WgKey():
                    call.key = statement
                case WgPort():
                    call.port = statement
                case WgRtable():
                    call.rdomain = statement
                case RemoveAllPeers():
                    call.removes_all_peers = True
                case _:
                    assert_never(statement)
        return call


class WireGuardFold:
    """A device, and what becomes of it."""

    def __init__(
        self,
        findings: Findings,
        derive_public_key: DerivePublicKey | None,
        base: WireGuardConfig,
    ) -> None:
        """Without a way to derive it, the interface's own public key is not recognised."""
        self._findings = findings
        self._derive_public_key = derive_public_key
        self._private_key = base.private_key
        self._own_public_key = self._public_key()
        self._listen_port = base.listen_port
        self._fwmark = base.fwmark
        self._rdomain = base.wgrtable
        self._places: dict[Subject, Span] = {}
        self._peers = {peer.public_key: _Peer.of(peer) for peer in base.peers}
        self._owners = {
            network: peer for peer in self._peers.values() for network in peer.allowed_ips
        }

    def apply(self, statements: Sequence[WireGuardStatement]) -> None:
        """Take the WireGuard words of one command."""
        call = _Call.of(statements)
        if call.removes_all_peers:
            self._peers.clear()
            self._owners.clear()
        if call.key is not None:
            self._set_key(call.key)
        if call.port is not None:
            self._listen_port = call.port.port or None
        if call.rdomain is not None:
            self._rdomain = call.rdomain.rdomain
        for word in (call.key, call.port, call.rdomain):
            if word is not None:
                self._places[(_WORDS[type(word)],)] = word.span
        for peer, words in call.records:
            if isinstance(peer, WgPeer):
                self._set_peer(peer, words)
            else:
                self._remove_peer(peer.key)

    def places(self) -> Iterator[tuple[Subject, Span]]:
        """Yield where it is said what holds now."""
        yield from self._places.items()
        for peer in self._peers.values():
            key = peer.public_key.to_base64()
            if peer.span is not None:
                yield ("wgpeer", key), peer.span
            for word, span in peer.places.items():
                yield (word, key), span
            for network, place in peer.allowed_ips.items():
                if place is not None:
                    yield ("wgaip", key, str(network)), place

    def config(self) -> WireGuardConfig:
        """Return what there is now."""
        return WireGuardConfig(
            private_key=self._private_key,
            listen_port=self._listen_port,
            fwmark=self._fwmark,
            wgrtable=self._rdomain,
            peers=tuple([peer.current_config() for peer in self._peers.values()]),
        )

    def _set_peer(self, statement: WgPeer, words: Sequence[PeerStatement]) -> None:
        """Create or update a peer; only what is mentioned changes."""
        key = statement.key
        if key == self._own_public_key:
            self._findings.add(Message.OWN_PUBLIC_KEY, statement.span)
            return
        peer = self._peers.get(key)
        if peer is None:
            peer = self._peers[key] = _Peer(span=statement.span, public_key=key)
        networks = [word for word in words if isinstance(word, WgAip)]
        if peer.allowed_ips and networks:
            self._warn_of_loss(peer, networks)
            self._release_allowed_ips(peer)
        peer.config = None
        for word in words:
            self._apply_peer_word(peer, word)

    def _apply_peer_word(self, peer: _Peer, word: PeerStatement) -> None:
        if isinstance(word, WgAip):
            self._claim(peer, word)
            return
        peer.places[_WORDS[type(word)]] = word.span
        match word:
            case WgEndpoint():
                peer.endpoint = word.endpoint
            case WgPsk():
                is_none = word.key is None or word.key.is_zero
                peer.preshared_key = None if is_none else word.key
            case WgPka():
                peer.persistent_keepalive = word.seconds
            case WgDescr():
                peer.description = word.text
            case _:
                assert_never(word)

    def _claim(self, peer: _Peer, word: WgAip) -> None:
        """Give an allowed IP to a peer, whoever had it."""
        owner = self._owners.setdefault(word.network, peer)
        if owner is not peer:
            self._owners[word.network] = peer
            self._warn_of_move(owner, word, owner.allowed_ips.pop(word.network))
            owner.config = None
        peer.allowed_ips.setdefault(word.network, word.span)

    def _warn_of_move(self, owner: _Peer, word: WgAip, before: Span | None) -> None:
        if before is None:
            peer = owner.description or owner.public_key.to_base64()
            self._findings.add(
                Message.ALLOWED_IP_TAKEN, word.span, network=word.network, peer=quote(peer)
            )
            return
        place = self._place(before)
        self._findings.add(Message.ALLOWED_IP_MOVED, word.span, network=word.network, place=place)

    def _warn_of_loss(self, peer: _Peer, words: Sequence[WgAip]) -> None:
        """Tell of networks that the file gave the peer, and that a new list leaves out."""
        kept = {word.network for word in words}
        lost = [(net, at) for net, at in peer.allowed_ips.items() if at and net not in kept]
        if lost:
            network, place = lost[0]
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            self._findings.add(
                Message.ALLOWED_IPS_REPLACED,
                words[0].span,
                networks=f"{network}{more}",
                place=self._place(place),
            )

    def _place(self, span: Span) -> str:
        return f"{self._findings.file_name}:{span.line}:{span.column}"

    def _release_allowed_ips(self, peer: _Peer) -> None:
        for network in peer.allowed_ips:
            del self._owners[network]
        peer.allowed_ips.clear()

    def _remove_peer(self, key: PublicKey) -> None:
        peer = self._peers.pop(key, None)
        if peer is not None:
            self._release_allowed_ips(peer)

    def _set_key(self, statement: WgKey) -> None:
        """Change identity; a peer that now would be ourselves goes."""
        self._private_key = None if statement.key.is_zero else statement.key
        self._own_public_key = own = self._public_key()
        if own is not None and (peer := self._peers.get(own)) is not None:
            self._findings.add(Message.OWN_PUBLIC_KEY, peer.span or statement.span)
            self._remove_peer(own)

    def _public_key(self) -> PublicKey | None:
        if self._derive_public_key is None or self._private_key is None:
            return None
        return self._derive_public_key(self._private_key)
