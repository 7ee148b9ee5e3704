"""What is there, as a hostname file would have to say it.

`ifconfig` changes a running interface by folding one command onto this.
"""

from __future__ import annotations

from dataclasses import replace

from netstart_wg.model.config import IPV6_MINIMUM_MTU, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.reconcile.routes import leaves_through, own_routes


def config_of(state: InterfaceState, applied: AppliedRecord | None = None) -> InterfaceConfig:
    """Return the configuration that would make no difference; it has no commands.

    `applied` tells which routes by way of other interfaces are this one's.
    """
    engine = state.wireguard or WireGuardState()
    return InterfaceConfig(
        name=state.name,
        rdomain=state.rdomain,
        wireguard=WireGuardConfig(
            engine=engine.kind,
            private_key=engine.private_key,
            listen_port=engine.listen_port or None,
            fwmark=engine.fwmark,
            wgrtable=engine.wgrtable,
            peers=tuple(peer_config(peer) for peer in engine.peers),
        ),
        addresses=state.addresses,
        mtu=state.mtu,
        is_up=state.is_up,
        is_debug=state.is_debug,
        description=state.description,
        groups=engine.groups,
        routes=tuple(own_routes(state, applied.routes if applied else ())),
        rules=state.rules,
    )


def without_what_linux_takes(config: InterfaceConfig) -> InterfaceConfig:
    """Leave out what cannot be there any more, whoever asked for it before.

    An interface without IPv4 addresses has no IPv4 routes, and one whose MTU is
    too small has no IPv6 at all.  A file that says so is wrong, and is told; a
    command takes them along, as it does on OpenBSD.  So does `down` with policy
    routing: what is to leave the host shall leave it then.
    """
    if not config.is_up:
        routes = tuple(route for route in config.routes if route.key.table is None)
        config = replace(config, routes=routes, rules=())
    gone = set() if any(address.version == 4 for address in config.addresses) else {4}
    if config.mtu is not None and config.mtu < IPV6_MINIMUM_MTU:
        gone.add(6)
    return replace(
        config,
        addresses=tuple(address for address in config.addresses if address.version not in gone),
        routes=tuple(
            route
            for route in config.routes
            if route.key.destination.version not in gone
            or not leaves_through(route, config.name, config.rdomain)
        ),
    )


def peer_config(peer: PeerState) -> PeerConfig:
    """Return what would make no difference to a peer."""
    return PeerConfig(
        public_key=peer.public_key,
        preshared_key=peer.preshared_key,
        endpoint=peer.endpoint,
        persistent_keepalive=peer.persistent_keepalive,
        allowed_ips=peer.allowed_ips,
        description=peer.description,
    )
