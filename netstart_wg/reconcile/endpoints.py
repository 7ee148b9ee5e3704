"""Which endpoints are ours to set.

A file says where a peer is to be found at first.  From then on the peer may
roam, and where it was heard from last is better than what the file says.  So an
endpoint is set when the peer has none, or when the file declares another one
than was last applied, and is otherwise left alone.  Declarations are compared
as they stand in the file: a name with a name, not with what it resolves to.
"""

from __future__ import annotations

from netstart_wg.model.address import EndpointName
from netstart_wg.model.config import InterfaceConfig, WireGuardConfig
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.reconcile.record import declared_endpoint, standing_record


def settled_peers(
    desired: WireGuardConfig, running: WireGuardState, applied: AppliedRecord | None
) -> frozenset[PublicKey]:
    """Return the peers that have an endpoint and were last given what the file still declares."""
    if applied is None:
        return frozenset()
    previous = dict(applied.endpoints)
    present = {peer.public_key for peer in running.peers if peer.endpoint is not None}
    return frozenset(
        peer.public_key
        for peer in desired.peers
        if peer.public_key in present
        and peer.endpoint is not None
        and previous.get(peer.public_key.to_base64()) == declared_endpoint(peer)
    )


def names_to_resolve(
    desired: InterfaceConfig, running: InterfaceState | None, applied: AppliedRecord | None
) -> frozenset[EndpointName]:
    """Return the names that the plan depends on; none, if all peers are where they should be.

    A new interface has peers, too, as the lines before each command make them.
    """
    engine = running.wireguard if running else None
    standing = standing_record(applied, running)
    settled = settled_peers(desired.wireguard, engine or WireGuardState(), standing)
    stages = [desired]
    if running is None:
        stages += [command.before for command in desired.commands if command.before is not None]
    return frozenset(
        peer.endpoint
        for stage in stages
        for peer in stage.wireguard.peers
        if isinstance(peer.endpoint, EndpointName) and peer.public_key not in settled
    )
