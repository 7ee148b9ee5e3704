"""What a file declares, item by item, each as a digest: the memory of the applied record.

An item is a peer, or one thing about the interface.  By comparing what was last
applied with what is declared now, a difference from what runs can be told to be
the file's or somebody else's.  The digests are short, since nobody gains by
forging one, and of a secret nothing can be learned from them: a key is 256 bits.

A peer's endpoint is not part of its item: the record keeps it as it was declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from netstart_wg.model.address import IPInterface
from netstart_wg.model.config import InterfaceConfig, PeerConfig
from netstart_wg.model.keys import SecretKey
from netstart_wg.model.record import AppliedRecord, ItemDigest
from netstart_wg.model.source import Subject

_DIGEST_BYTES = 8

_PRESENT = ItemDigest("")
"""Of what is there or not, and has no value besides."""


def item_of(subject: Subject) -> str:
    """Return the item that a subject is part of: what is said of a peer is the peer's."""
    if subject[0].startswith("wg") and len(subject) > 1:
        return f"wgpeer {subject[1]}"
    return " ".join(subject)


def items_of(config: InterfaceConfig) -> Iterator[tuple[str, ItemDigest]]:
    """Yield every item that a file declares, with its digest."""
    yield from _of_interface(config)
    for peer in config.wireguard.peers:
        yield f"wgpeer {peer.public_key.to_base64()}", digest_of_peer(peer)


def is_key_applied(config: InterfaceConfig, applied: AppliedRecord | None) -> bool:
    """Say whether the private key that is declared is the one that was last applied."""
    items = [item for item in _of_interface(config) if item[0] == "wgkey"]
    return applied is not None and any(item in applied.items for item in items)


def digest_of_peer(peer: PeerConfig) -> ItemDigest:
    """Return the digest of all that is said of a peer but its endpoint."""
    networks = " ".join([str(network) for network in peer.allowed_ips])
    words = f"{peer.persistent_keepalive}\n{networks}\n{peer.description or ''}"
    return _digest(words, peer.preshared_key)


def _of_interface(config: InterfaceConfig) -> Iterator[tuple[str, ItemDigest]]:
    """Yield what is not about a peer; what the file leaves open has no item."""
    engine = config.wireguard
    if engine.private_key is not None:
        yield "wgkey", _digest("", engine.private_key)
    values: dict[str, object] = {
        "wgport": engine.listen_port,
        "fwmark": engine.fwmark,
        "wgrtable": engine.wgrtable,
        "rdomain": config.rdomain,
        "mtu": config.mtu,
        "up": config.is_up,
        "debug": config.is_debug,
        "description": config.description,
    }
    yield from [(word, _digest(str(each))) for word, each in values.items() if each is not None]
    yield from [(item_of(("group", name)), _PRESENT) for name in config.groups]
    yield from [(item_of(address_subject(each)), _PRESENT) for each in config.addresses]
    for route in config.routes:
        yield item_of(route.key.subject), _digest(f"{route.kind} {route.next_hops} {route.mtu}")
    yield from [(item_of(rule.subject), _PRESENT) for rule in config.rules]


def address_subject(address: IPInterface) -> Subject:
    """Return what a place or a difference calls an address."""
    return "inet" if address.version == 4 else "inet6", str(address)


def _digest(text: str, secret: SecretKey | None = None) -> ItemDigest:
    digest = blake2b(text.encode(), digest_size=_DIGEST_BYTES)
    if secret is not None:
        digest.update(secret.in_place())
    return ItemDigest(digest.hexdigest())
