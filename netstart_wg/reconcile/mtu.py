"""The MTU of an interface whose file does not name one.

What goes through the tunnel is 80 octets longer outside: 40 of IPv6, 8 of UDP,
32 of WireGuard.  Where the way to a peer's endpoint takes less than the packets
of the usual 1420 octets would need, the interface's MTU is as much smaller, as
wg-quick(8) has it.  It is never larger, for wg(4) has 1420: whoever wants jumbo
frames says so in the file.  Nor is it smaller than a family that the interface
has addresses of can be.

An endpoint counts as the file declares it, wherever the peer has roamed to since:
the MTU is not to follow a peer about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from netstart_wg.model.address import Endpoint, EndpointName, IPAddress
from netstart_wg.model.config import DEFAULT_MTU, IPV6_MINIMUM_MTU, InterfaceConfig
from netstart_wg.model.state import InterfaceState

OVERHEAD: Final = 80
"""Octets, at most: an endpoint may come to have an IPv6 address."""

IPV4_MINIMUM_MTU: Final = 576
"""Octets that every host of IPv4 can take (RFC 791)."""

MOST_LOOKUPS: Final = 64
"""So many endpoints are looked at, the first ones: each takes a question to the kernel."""


def with_mtu(config: InterfaceConfig, outer: Iterable[int]) -> InterfaceConfig:
    """Set the MTU, also for commands, if nobody has asked for one; `outer` are those outside."""
    mtu = mtu_within(config, outer)

    def settle(each: InterfaceConfig) -> InterfaceConfig:
        return replace(each, mtu=mtu) if each.exists and each.mtu is None else each

    commands = tuple(
        command if command.before is None else replace(command, before=settle(command.before))
        for command in config.commands
    )
    return replace(settle(config), commands=commands)


def mtu_within(config: InterfaceConfig, outer: Iterable[int]) -> int:
    """Return the largest MTU whose packets fit; 1420 if nothing is known of the way."""
    has_ipv6 = any(address.version == 6 for address in config.addresses)
    least = IPV6_MINIMUM_MTU if has_ipv6 else IPV4_MINIMUM_MTU
    fitting = min(outer, default=DEFAULT_MTU + OVERHEAD) - OVERHEAD
    return max(least, min(DEFAULT_MTU, fitting))


def declared_endpoints(
    config: InterfaceConfig,
    running: InterfaceState | None,
    resolved: Mapping[EndpointName, Endpoint],
) -> tuple[Endpoint, ...]:
    """Return those whose ways count, each host once; none if the file names an MTU.

    A name that nobody had to look up again is where the peer is.
    """
    if config.mtu is not None or not config.exists:
        return ()
    hosts: dict[tuple[IPAddress, int], Endpoint] = {}
    for endpoint in _endpoints(config, running, resolved):
        hosts.setdefault((endpoint.address, endpoint.scope_id), endpoint)
        if len(hosts) == MOST_LOOKUPS:
            break
    return tuple(hosts.values())


def _endpoints(
    config: InterfaceConfig,
    running: InterfaceState | None,
    resolved: Mapping[EndpointName, Endpoint],
) -> Iterator[Endpoint]:
    engine = running.wireguard if running else None
    present = {peer.public_key: peer.endpoint for peer in engine.peers} if engine else {}
    for peer in config.wireguard.peers:
        endpoint = peer.endpoint
        if isinstance(endpoint, EndpointName):
            endpoint = resolved.get(endpoint) or present.get(peer.public_key)
        if endpoint is not None:
            yield endpoint
