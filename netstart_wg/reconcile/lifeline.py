"""Whether a plan could cut the connection by which it is made.

When in doubt, it could: then somebody has to confirm a change once too often.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from netstart_wg.model.action import (
    Action,
    AddAddress,
    AddRoute,
    AddRule,
    BringDown,
    ConfigureDevice,
    DestroyInterface,
    Plan,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    RemoveStranger,
    RunCommand,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.address import IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange
from netstart_wg.model.connection import Connection
from netstart_wg.model.state import InterfaceState, PeerState

Address = IPv4Address | IPv6Address


def runs_through(connection: Connection, running: InterfaceState) -> bool:
    """Say whether the connection is one inside of the tunnel, as far as addresses tell.

    A peer that may send from everywhere is no sign of it.
    """
    if any(connection.server == each.ip for each in running.addresses):
        return True
    networks: list[IPNetwork] = [each.network for each in running.addresses]
    networks += [network for peer in _peers(running) for network in peer.allowed_ips]
    return any(network.prefixlen > 0 and connection.client in network for network in networks)


def could_cut(
    plan: Plan, running: InterfaceState | None, connection: Connection, *, is_through: bool
) -> bool:
    """Say whether a step concerns the connection; one that runs elsewhere may be drawn in."""
    return any(_draws_in(action, connection) for action in plan.actions) or (
        is_through and any(_concerns(action, running, connection) for action in plan.actions)
    )


def _draws_in(action: Action, connection: Connection) -> bool:
    """Say whether what we send to the client may leave by another interface from then on."""
    match action:
        case AddRoute(_, route):
            return connection.client in route.key.destination
        case AddAddress(_, address):
            return connection.client in address.network
        case _:
            return False


def _concerns(action: Action, running: InterfaceState | None, connection: Connection) -> bool:
    """Say whether a connection through the interface may end by the step."""
    match action:
        case ConfigureDevice(_, change):
            return _is_of_all_peers(change) or _is_of_clients_peer(change, running, connection)
        case RemoveAddress(_, address):
            return address.ip == connection.server or connection.client in address.network
        case RemoveRoute(_, route):
            return connection.client in route.key.destination
        case (
            DestroyInterface()
            | RemoveStranger()
            | SetRdomain()
            | BringDown()
            | SetMtu()
            | AddRule()
            | RemoveRule()
            | RunCommand()
        ):
            return True
        case _:
            return False


def _is_of_all_peers(change: DeviceChange) -> bool:
    settings = (change.private_key, change.listen_port, change.fwmark, change.wgrtable)
    return change.replace_peers or any(each is not UNCHANGED for each in settings)


def _is_of_clients_peer(
    change: DeviceChange, running: InterfaceState | None, connection: Connection
) -> bool:
    """Say whether the client's own peer is in it, or another one takes over its address."""
    client = connection.client
    behind = {peer.public_key for peer in _peers(running) if _holds(client, peer.allowed_ips)}
    return any(
        _holds(client, peer.add_allowed_ips) or (peer.public_key in behind and not _is_mild(peer))
        for peer in change.peers
    )


def _is_mild(change: PeerChange) -> bool:
    """Say whether a peer's packets go on as they did."""
    rest = replace(change, description=UNCHANGED, persistent_keepalive=UNCHANGED)
    return rest == PeerChange(public_key=change.public_key, update_only=change.update_only)


def _holds(address: Address, networks: Collection[IPNetwork]) -> bool:
    return any(address in network for network in networks)


def _peers(running: InterfaceState | None) -> Collection[PeerState]:
    return running.wireguard.peers if running and running.wireguard else ()
