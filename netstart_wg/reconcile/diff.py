"""What an engine has to be told so that it is what the file says, and nothing more.

- The file is the whole truth: a key, preshared key, keepalive, description or
  peer that it does not name goes.  The exceptions are what the file cannot say
  or need not: a port not named (or named as 0, any) is kept as it was chosen,
  the mark is left alone where policy routing neither needs one nor had one, and
  so is a peer's endpoint as reconcile/endpoints.py describes.
- What is equal is not mentioned.
- An allowed IP that moves is one addition at its new owner and nothing at the old.
- Additions come before removals, so that even an engine that applied the change
  piece by piece would never be without what stays.

All is looked up by key: time is linear in the number of peers and allowed IPs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from netstart_wg.model.address import Endpoint, EndpointName, IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange, UnchangedType
from netstart_wg.model.config import WireGuardConfig
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.rule import TABLES
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.reconcile.apply import DerivePublicKey
from netstart_wg.reconcile.endpoints import settled_peers

_Owners = Mapping[IPNetwork, PublicKey]
_Value = TypeVar("_Value")
_Secret = TypeVar("_Secret", PrivateKey, PresharedKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A peer of the file, with nothing left to look up."""

    preshared_key: PresharedKey | None
    endpoint: Endpoint | None
    """None: leave the peer's alone."""
    persistent_keepalive: int
    allowed_ips: tuple[IPNetwork, ...]
    description: str | None


def diff_device(
    desired: WireGuardConfig,
    running: WireGuardState,
    applied: AppliedRecord | None,
    resolved: Mapping[EndpointName, Endpoint],
    derive_public_key: DerivePublicKey,
) -> DeviceChange:
    """Return the change that leads from `running` to `desired`; an empty one if nothing differs.

    `applied` is the record of this very interface, or None.  An endpoint whose
    name is not in `resolved` is left alone.
    """
    own = _own_public_key(desired, running, derive_public_key)
    peers = [peer for peer in desired.peers if peer.public_key != own]
    owners = {network: peer.public_key for peer in peers for network in peer.allowed_ips}
    settled = settled_peers(desired, running, applied)
    wanted = {
        peer.public_key: _Wanted(
            preshared_key=_none_if_zero(peer.preshared_key),
            endpoint=None if peer.public_key in settled else _resolve(peer.endpoint, resolved),
            persistent_keepalive=peer.persistent_keepalive,
            allowed_ips=tuple(net for net in peer.allowed_ips if owners[net] == peer.public_key),
            description=peer.description,
        )
        for peer in peers
    }
    return DeviceChange(
        private_key=_if_other(_none_if_zero(desired.private_key), running.private_key),
        listen_port=_if_other(desired.listen_port or running.listen_port, running.listen_port),
        fwmark=_mark(desired.fwmark, running.fwmark),
        wgrtable=UNCHANGED if desired.wgrtable in (None, running.wgrtable) else desired.wgrtable,
        peers=(*_kept_and_new(wanted, running, owners), *_removals(wanted, running)),
    )


def _mark(desired: int | None, running: int) -> int | UnchangedType:
    """Return the mark to set; one that only policy routing of ours can have given is cleared."""
    if desired is None:
        return 0 if running in TABLES else UNCHANGED
    return _if_other(desired, running)


def _own_public_key(
    desired: WireGuardConfig, running: WireGuardState, derive_public_key: DerivePublicKey
) -> PublicKey | None:
    """Return the key that no peer can have, or None if none of the file's peers can have it.

    A run that has nothing to change does no arithmetic on curves: an engine
    that has this key already has every peer that it would accept.
    """
    private_key = _none_if_zero(desired.private_key)
    if private_key is None:
        return None
    present = {peer.public_key for peer in running.peers}
    if private_key == running.private_key and all(
        peer.public_key in present for peer in desired.peers
    ):
        return None
    return derive_public_key(private_key)


def _kept_and_new(
    wanted: Mapping[PublicKey, _Wanted], running: WireGuardState, owners: _Owners
) -> Iterator[PeerChange]:
    present = {peer.public_key: peer for peer in running.peers}
    for public_key, peer in wanted.items():
        before = present.get(public_key)
        if before is None:
            yield _new_peer(public_key, peer)
            continue
        change = _peer_difference(peer, before, owners)
        if change != PeerChange(public_key=public_key, update_only=True):
            yield change


def _removals(wanted: Mapping[PublicKey, _Wanted], running: WireGuardState) -> Iterator[PeerChange]:
    for peer in running.peers:
        if peer.public_key not in wanted:
            yield PeerChange(public_key=peer.public_key, remove=True)


def _new_peer(public_key: PublicKey, peer: _Wanted) -> PeerChange:
    """Set whatever is not as a new peer has it anyway."""
    return PeerChange(
        public_key=public_key,
        preshared_key=peer.preshared_key or UNCHANGED,
        endpoint=peer.endpoint or UNCHANGED,
        persistent_keepalive=peer.persistent_keepalive or UNCHANGED,
        replace_allowed_ips=True,
        add_allowed_ips=peer.allowed_ips,
        description=peer.description or UNCHANGED,
    )


def _peer_difference(peer: _Wanted, before: PeerState, owners: _Owners) -> PeerChange:
    """Mention only what differs."""
    added, removed = _allowed_ip_difference(peer, before, owners)
    endpoint = None if peer.endpoint == before.endpoint else peer.endpoint
    return PeerChange(
        public_key=before.public_key,
        update_only=True,
        preshared_key=_if_other(peer.preshared_key, before.preshared_key),
        endpoint=endpoint or UNCHANGED,
        persistent_keepalive=_if_other(peer.persistent_keepalive, before.persistent_keepalive),
        add_allowed_ips=added,
        remove_allowed_ips=removed,
        description=_if_other(peer.description, before.description),
    )


def _allowed_ip_difference(
    peer: _Wanted, before: PeerState, owners: _Owners
) -> tuple[tuple[IPNetwork, ...], tuple[IPNetwork, ...]]:
    """Return what to add and what to remove; what another peer takes over is not to be removed."""
    if peer.allowed_ips == before.allowed_ips:
        return (), ()
    had = frozenset(before.allowed_ips)
    return (
        tuple(network for network in peer.allowed_ips if network not in had),
        tuple(network for network in before.allowed_ips if network not in owners),
    )


def _if_other(wanted: _Value, before: _Value) -> _Value | UnchangedType:
    return UNCHANGED if wanted == before else wanted


def _resolve(
    endpoint: Endpoint | EndpointName | None, resolved: Mapping[EndpointName, Endpoint]
) -> Endpoint | None:
    return resolved.get(endpoint) if isinstance(endpoint, EndpointName) else endpoint


def _none_if_zero(key: _Secret | None) -> _Secret | None:
    """Return a key, or None for one of zeros, which means none (wg(4), wg(8))."""
    return None if key is None or key.is_zero else key
