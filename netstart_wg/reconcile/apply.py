"""What a change makes of a device: the UAPI's rules of `set`, on values.

The interface first, then `replace_peers`, then each peer in turn.  Within a peer
the list of allowed IPs is cleared first if that is asked for, then additions,
then removals.  An allowed IP has one owner: adding it takes it from another
peer.  A device never has its own public key as a peer (wg(4)).

Time is linear in the peers and allowed IPs of state and change together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netstart_wg.model.address import IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.state import PeerState, WireGuardState

DerivePublicKey = Callable[[PrivateKey], PublicKey]
"""X25519 with the base point; handed in, since this layer knows no cryptography."""


def apply_change(
    state: WireGuardState, change: DeviceChange, derive_public_key: DerivePublicKey
) -> WireGuardState:
    """Return the device as the change leaves it; what is equal stays as it is, order included."""
    state = _apply_to_interface(state, change)
    own = derive_public_key(state.private_key) if state.private_key else None
    table = _PeerTable(() if change.replace_peers else state.peers)
    if own is not None:
        table.remove(own)
    for peer in change.peers:
        if peer.remove:
            table.remove(peer.public_key)
        elif peer.public_key != own:
            table.apply(peer)
    return replace(state, peers=table.peers())


def _apply_to_interface(state: WireGuardState, change: DeviceChange) -> WireGuardState:
    if change.private_key is not UNCHANGED:
        state = replace(state, private_key=change.private_key)
    if change.listen_port is not UNCHANGED:
        state = replace(state, listen_port=change.listen_port)
    if change.fwmark is not UNCHANGED:
        state = replace(state, fwmark=change.fwmark)
    if change.wgrtable is not UNCHANGED:
        state = replace(state, wgrtable=change.wgrtable)
    if change.groups is not UNCHANGED:
        state = replace(state, groups=change.groups)
    return state


class _PeerTable:
    """Peers in order of creation, and who owns which allowed IP."""

    def __init__(self, peers: tuple[PeerState, ...]) -> None:
        self._peers = {peer.public_key: peer for peer in peers}
        self._allowed_ips = {peer.public_key: dict.fromkeys(peer.allowed_ips) for peer in peers}
        self._owners = {network: peer.public_key for peer in peers for network in peer.allowed_ips}

    def peers(self) -> tuple[PeerState, ...]:
        return tuple(
            replace(peer, allowed_ips=tuple(self._allowed_ips[public_key]))
            for public_key, peer in self._peers.items()
        )

    def remove(self, public_key: PublicKey) -> None:
        if self._peers.pop(public_key, None) is not None:
            for network in self._allowed_ips.pop(public_key):
                del self._owners[network]

    def apply(self, change: PeerChange) -> None:
        peer = self._peers.get(change.public_key)
        if peer is None:
            if change.update_only:
                return
            peer = PeerState(public_key=change.public_key)
            self._allowed_ips[change.public_key] = {}
        self._peers[change.public_key] = _apply_to_peer(peer, change)
        self._apply_allowed_ips(change)

    def _apply_allowed_ips(self, change: PeerChange) -> None:
        if change.replace_allowed_ips and change.add_allowed_ips != self._of(change.public_key):
            for network in self._of(change.public_key):
                self._take(network, change.public_key)
        for network in change.add_allowed_ips:
            self._give(network, change.public_key)
        for network in change.remove_allowed_ips:
            if self._owners.get(network) == change.public_key:
                self._take(network, change.public_key)

    def _of(self, public_key: PublicKey) -> tuple[IPNetwork, ...]:
        return tuple(self._allowed_ips[public_key])

    def _give(self, network: IPNetwork, public_key: PublicKey) -> None:
        former = self._owners.get(network)
        if former is not None and former != public_key:
            self._take(network, former)
        self._owners[network] = public_key
        self._allowed_ips[public_key][network] = None

    def _take(self, network: IPNetwork, public_key: PublicKey) -> None:
        del self._owners[network]
        del self._allowed_ips[public_key][network]


def _apply_to_peer(peer: PeerState, change: PeerChange) -> PeerState:
    """Apply everything but the allowed IPs."""
    if change.preshared_key is not UNCHANGED:
        peer = replace(peer, preshared_key=change.preshared_key)
    if change.endpoint is not UNCHANGED:
        peer = replace(peer, endpoint=change.endpoint)
    if change.persistent_keepalive is not UNCHANGED:
        peer = replace(peer, persistent_keepalive=change.persistent_keepalive)
    if change.description is not UNCHANGED:
        peer = replace(peer, description=change.description)
    return peer
