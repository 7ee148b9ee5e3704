"""Routes of ours in the kernel's tables, told from all others by their protocol number.

A route is known by its key (table, destination and metric).  One of another protocol
number is somebody else's: a routing daemon's, the kernel's, an administrator's.
It is never replaced and never removed, and an observation asks the kernel for
ours only: the table may be as big as the Internet's.
"""

from __future__ import annotations

import errno
import functools
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from netstart_wg.model.address import IPAddress
from netstart_wg.model.route import NextHop, Route, RouteKey, RouteKind
from netstart_wg.model.rule import TABLES
from netstart_wg.system.addresses import read_addresses
from netstart_wg.system.rtnetlink import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Rtnetlink

if TYPE_CHECKING:
    from pyroute2.netlink import nlmsg

ROUTE_PROTOCOL: Final = 119
"""rtm_protocol of every route of ours; rtnetlink(7) leaves the number to programs."""

RTM_NEWROUTE: Final = 24
RTM_DELROUTE: Final = 25
RTM_GETROUTE: Final = 26
RT_TABLE_UNSPEC: Final = 0
RT_SCOPE_UNIVERSE: Final = 0
RT_SCOPE_LINK: Final = 253
RT_SCOPE_NOWHERE: Final = 255
RTNH_F_ONLINK: Final = 4
"""linux/rtnetlink.h."""

_TYPES: Final = {RouteKind.UNICAST: 1, RouteKind.BLACKHOLE: 6, RouteKind.REJECT: 7}
"""RTN_*."""
_KINDS: Final = {number: kind for kind, number in _TYPES.items()}
_ANY_ADDRESS: Final = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - no bind

_AT_ONCE: Final = 128
"""Messages; the answers to so many fit into any socket's buffer."""

_MOST_IN_HEADER: Final = 255
"""A table of a higher number is named by an attribute."""

_Attribute = tuple[str, object]
_NameOf = Callable[[int], str]
_IndexOf = Callable[[str], int]


def read_routes(rtnetlink: Rtnetlink) -> tuple[Route, ...]:
    """Return our routes in the main table and in interfaces' own; raise OSError."""
    name_of = functools.cache(rtnetlink.name)
    routes: dict[RouteKey, Route] = {}
    for message in rtnetlink.dump(_message(ROUTE_PROTOCOL, RT_TABLE_UNSPEC), RTM_GETROUTE):
        try:
            route = _decode(message, rtnetlink, name_of)
        except OSError as error:
            if error.errno == errno.ENODEV:  # its interface went just now, and it with it
                continue
            raise
        if route is not None:
            first = routes.setdefault(route.key, route)
            if first is not route:  # a sibling: IPv6 may have one message for each hop
                hops = first.next_hops + route.next_hops
                routes[route.key] = replace(first, next_hops=hops)
    return tuple(routes.values())


def put_route(rtnetlink: Rtnetlink, route: Route) -> None:
    """Add a route, or put it in the place of ours that has its key, without a gap.

    Raise OSError, EEXIST if somebody else's has that key.
    """
    message = _encode(rtnetlink, route)
    try:
        rtnetlink.request(message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
        if _protocols_of(rtnetlink, route.key) - {ROUTE_PROTOCOL}:
            raise OSError(errno.EEXIST, _whose(route.key)) from error
        message = _encode(rtnetlink, route)  # a message is sent once
        rtnetlink.request(message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE)


def put_new_routes(rtnetlink: Rtnetlink, routes: Sequence[Route]) -> tuple[Route, ...]:
    """Add many; return those that have to be put one by one, to see what is in their way.

    To wait for the kernel's answer to each takes longer than all the rest.  Raise OSError.
    """
    index_of = functools.cache(functools.partial(_index, rtnetlink))
    left: list[Route] = []
    for start in range(0, len(routes), _AT_ONCE):
        some = routes[start : start + _AT_ONCE]
        try:
            messages = [_encode(rtnetlink, route, index_of) for route in some]
            rtnetlink.request_all(messages, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL)
        except OSError:
            left += some
    present = set(read_routes(rtnetlink)) if left else set()
    return tuple(route for route in left if route not in present)


def take_route(rtnetlink: Rtnetlink, key: RouteKey) -> None:
    """Remove all that is ours under a key; raise OSError.

    Nothing there is what was wanted: Linux takes routes away by itself, too, with
    the last address of an interface for instance.
    """
    try:
        while True:
            _delete(rtnetlink, key)
    except OSError as error:
        if error.errno != errno.ESRCH:
            raise


def _delete(rtnetlink: Rtnetlink, key: RouteKey) -> None:
    """Remove one route of the key; the kernel compares the protocol number too."""
    message = _message_for(rtnetlink, key)
    message["scope"] = RT_SCOPE_NOWHERE  # any
    rtnetlink.request(message, RTM_DELROUTE, 0)


def _protocols_of(rtnetlink: Rtnetlink, key: RouteKey) -> set[int]:
    """Return the protocol numbers of all routes of a key, which takes reading the whole table."""
    return {
        int(message["proto"])
        for message in _table(rtnetlink, _table_of(rtnetlink, key), _family(key))
        if message["dst_len"] == key.destination.prefixlen
        and not message["tos"]
        and _key_of(message, rtnetlink) == key
    }


def protocols_in_table(rtnetlink: Rtnetlink, table: int) -> set[int]:
    """Return the protocol numbers of all routes in a table; raise OSError."""
    return {
        int(message["proto"])
        for family in _ANY_ADDRESS
        for message in _table(rtnetlink, table, family)
    }


def _table(rtnetlink: Rtnetlink, table: int, family: int) -> list[nlmsg]:
    try:
        return rtnetlink.dump(_message(0, table, family), RTM_GETROUTE)
    except OSError as error:
        if error.errno == errno.ENOENT:  # nobody ever put anything into it
            return []
        raise


def _table_of(rtnetlink: Rtnetlink, key: RouteKey) -> int:
    return rtnetlink.main_table if key.table is None else key.table


def _whose(key: RouteKey) -> str:
    return f"a route to {key.destination} with metric {key.priority} exists and is not ours"


def _family(key: RouteKey) -> int:
    return socket.AF_INET if isinstance(key.destination, IPv4Network) else socket.AF_INET6


def _message(protocol: int, table: int, family: int = socket.AF_UNSPEC) -> nlmsg:
    """Return a message about a table, or about all of them."""
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    message = rtmsg()
    message["family"] = family
    message["table"] = table if table <= _MOST_IN_HEADER else RT_TABLE_UNSPEC
    message["proto"] = protocol
    message["attrs"] = [("RTA_TABLE", table)] if table > _MOST_IN_HEADER else []
    return message


def _message_for(rtnetlink: Rtnetlink, key: RouteKey) -> nlmsg:
    message = _message(ROUTE_PROTOCOL, _table_of(rtnetlink, key), _family(key))
    message["dst_len"] = key.destination.prefixlen
    message["attrs"] += [
        ("RTA_DST", str(key.destination.network_address)),
        ("RTA_PRIORITY", key.priority),
    ]
    return message


# -- from the model to netlink -----------------------------------------------------------


def _encode(rtnetlink: Rtnetlink, route: Route, index_of: _IndexOf | None = None) -> nlmsg:
    """Return the message that makes the route; raise OSError for an interface not there."""
    index_of = index_of or functools.partial(_index, rtnetlink)
    message = _message_for(rtnetlink, route.key)
    message["type"] = _TYPES[route.kind]
    message["scope"] = RT_SCOPE_UNIVERSE
    hops = [_encode_hop(rtnetlink, hop, route.key, index_of) for hop in route.next_hops]
    if len(hops) == 1:
        ((index, flags, attributes),) = hops
        message["flags"] = flags
        message["scope"] = RT_SCOPE_UNIVERSE if attributes else RT_SCOPE_LINK
        message["attrs"] += [*attributes, *([("RTA_OIF", index)] if index else [])]
    elif hops:
        message["attrs"].append(("RTA_MULTIPATH", [_in_multipath(*hop) for hop in hops]))
    if route.mtu is not None:
        message["attrs"].append(("RTA_METRICS", {"attrs": [("RTAX_MTU", route.mtu)]}))
    return message


def _encode_hop(
    rtnetlink: Rtnetlink, hop: NextHop, key: RouteKey, index_of: _IndexOf
) -> tuple[int, int, list[_Attribute]]:
    """Return the interface's index, 0 if the kernel shall choose, the flags and the gateway."""
    index = index_of(hop.interface) if hop.interface is not None else 0
    if hop.gateway is None:
        return index, 0, []
    is_far = index and not _is_on_link(rtnetlink, index, hop.gateway)
    return index, RTNH_F_ONLINK if is_far else 0, [_encode_gateway(hop.gateway, key)]


def _encode_gateway(gateway: IPAddress, key: RouteKey) -> _Attribute:
    if gateway.version == key.destination.version:
        return "RTA_GATEWAY", str(gateway)
    family = socket.AF_INET if gateway.version == 4 else socket.AF_INET6
    return "RTA_VIA", {"family": family, "addr": str(gateway)}


def _in_multipath(index: int, flags: int, attributes: Sequence[_Attribute]) -> dict[str, object]:
    return {"oif": index, "flags": flags, "hops": 0, "attrs": list(attributes)}


def _is_on_link(rtnetlink: Rtnetlink, index: int, gateway: IPAddress) -> bool:
    """Say whether an address of the interface makes the kernel expect the gateway there."""
    known = read_addresses(rtnetlink, index)
    return gateway.is_link_local or any(gateway in address.on_link for address in known)


def _index(rtnetlink: Rtnetlink, interface: str) -> int:
    try:
        return rtnetlink.index(interface)
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise OSError(errno.ENODEV, f'there is no interface "{interface}"') from error
        raise


# -- from netlink to the model -----------------------------------------------------------


def _decode(message: nlmsg, rtnetlink: Rtnetlink, name_of: _NameOf) -> Route | None:
    """Return the route, or None if it is none of ours; raise OSError if its interface is gone."""
    kind = _KINDS.get(message["type"])
    if message["proto"] != ROUTE_PROTOCOL or message["family"] not in _ANY_ADDRESS or kind is None:
        return None
    key = _key_of(message, rtnetlink)
    if key.table is not None and (rtnetlink.vrf is not None or key.table not in TABLES):
        return None
    metrics = message.get_attr("RTA_METRICS")
    mtu = metrics.get_attr("RTAX_MTU") if metrics is not None else None
    return Route(
        key=key,
        kind=kind,
        next_hops=_decode_hops(message, name_of) if kind is RouteKind.UNICAST else (),
        mtu=int(mtu) if mtu else None,
    )


def _key_of(message: nlmsg, rtnetlink: Rtnetlink) -> RouteKey:
    destination = message.get_attr("RTA_DST") or _ANY_ADDRESS[message["family"]]
    table = int(message.get_attr("RTA_TABLE") or message["table"])
    return RouteKey(
        rdomain=rtnetlink.rdomain,
        destination=ip_network(f"{destination}/{message['dst_len']}"),
        priority=int(message.get_attr("RTA_PRIORITY") or 0),
        table=None if table == rtnetlink.main_table else table,
    )


def _decode_hops(message: nlmsg, name_of: _NameOf) -> tuple[NextHop, ...]:
    several = message.get_attr("RTA_MULTIPATH")
    if several:
        return tuple(NextHop(_decode_gateway(hop), name_of(hop["oif"])) for hop in several)
    return (NextHop(_decode_gateway(message), name_of(message.get_attr("RTA_OIF"))),)


def _decode_gateway(hop: nlmsg) -> IPAddress | None:
    gateway, via = hop.get_attr("RTA_GATEWAY"), hop.get_attr("RTA_VIA")
    if gateway is None and via is not None:
        gateway = via["addr"]
    return None if gateway is None else ip_address(gateway)
