"""Peers and addresses that nobody here has put where they are, and that may stay.

Foreign is what runs and neither the file names nor the record of what was last
applied: what has left the file is on record still, and goes.  To keep it is to
desire it as it runs, where that does not contradict the file: an allowed IP that
the file gives to a peer of its own is that one's, and of two lengths of one IPv6
address, of which Linux takes only one, it is the file's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netstart_wg.model.address import IPInterface
from netstart_wg.model.config import IPV6_MINIMUM_MTU, InterfaceConfig, PeerConfig
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.state import InterfaceState
from netstart_wg.reconcile.adopt import peer_config
from netstart_wg.reconcile.applied_items import address_subject, item_of
from netstart_wg.reconcile.record import standing_record


def with_foreign(
    desired: InterfaceConfig, running: InterfaceState, applied: AppliedRecord | None
) -> InterfaceConfig:
    """Return what the file asks for together with what is foreign; again changes nothing."""
    if not desired.exists:
        return desired
    standing = standing_record(applied, running)
    ours = frozenset(item for item, _ in standing.items) if standing else frozenset()
    peers = (*_peers(desired, running, ours), *desired.wireguard.peers)
    return replace(
        desired,
        wireguard=replace(desired.wireguard, peers=peers),
        addresses=(*desired.addresses, *_addresses(desired, running, ours)),
    )


def _peers(
    desired: InterfaceConfig, running: InterfaceState, ours: frozenset[str]
) -> Iterator[PeerConfig]:
    """Yield the foreign peers; they come first, for the last one to claim an allowed IP has it."""
    named = {peer.public_key for peer in desired.wireguard.peers}
    for peer in running.wireguard.peers if running.wireguard else ():
        item = item_of(("wgpeer", peer.public_key.to_base64()))
        if peer.public_key not in named and item not in ours:
            yield replace(peer_config(peer), endpoint=None)  # wherever that is by now


def _addresses(
    desired: InterfaceConfig, running: InterfaceState, ours: frozenset[str]
) -> Iterator[IPInterface]:
    named = frozenset(desired.addresses)
    taken = {address.ip for address in named if address.version == 6}
    has_ipv6 = desired.mtu is None or desired.mtu >= IPV6_MINIMUM_MTU
    for address in running.addresses:
        is_possible = address.version == 4 or (has_ipv6 and address.ip not in taken)
        if is_possible and address not in named and item_of(address_subject(address)) not in ours:
            yield address
