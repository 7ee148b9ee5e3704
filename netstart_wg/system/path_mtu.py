"""How long a packet may be on its way to a host, as far as this host can tell."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from netstart_wg.model.address import Endpoint
from netstart_wg.system.routes import RTM_GETROUTE
from netstart_wg.system.rtnetlink import Rtnetlink

if TYPE_CHECKING:
    from pyroute2.netlink import nlmsg

RTM_F_FIB_MATCH: Final = 0x2000
"""linux/rtnetlink.h: the route as somebody made it, without what was found out on the way."""


def path_mtu(rtnetlink: Rtnetlink, endpoint: Endpoint, fwmark: int, tunnel: str) -> int | None:
    """Return the MTU in bytes, of the route or else of its link; None if there is no way.

    A way that leads into the tunnel itself is none.  What the path has complained
    of does not count: it is forgotten after some minutes, and the MTU is to last.
    """
    try:
        vrf = rtnetlink.vrf.index if rtnetlink.vrf is not None else 0
        (route,) = rtnetlink.ask(_question(endpoint, fwmark, vrf), RTM_GETROUTE)
        return min(_mtus(rtnetlink, route, tunnel), default=None)
    except OSError:  # no route, or one that refuses, or an interface that went just now
        return None


def _question(endpoint: Endpoint, fwmark: int, vrf: int) -> nlmsg:
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    is_ipv4 = isinstance(endpoint.address, IPv4Address)
    message = rtmsg()
    message["family"] = socket.AF_INET if is_ipv4 else socket.AF_INET6
    message["dst_len"] = endpoint.address.max_prefixlen
    message["flags"] = RTM_F_FIB_MATCH
    message["attrs"] = [("RTA_DST", str(endpoint.address))]
    if fwmark:
        message["attrs"].append(("RTA_MARK", fwmark))
    if way_out := endpoint.scope_id or vrf:
        message["attrs"].append(("RTA_OIF", way_out))
    return message


def _mtus(rtnetlink: Rtnetlink, route: nlmsg, tunnel: str) -> Iterator[int]:
    """Yield that of each way the route leads."""
    metrics = route.get_attr("RTA_METRICS")
    of_route = metrics.get_attr("RTAX_MTU") if metrics is not None else None
    several = route.get_attr("RTA_MULTIPATH")
    hops = [hop["oif"] for hop in several] if several else [route.get_attr("RTA_OIF")]
    for index in hops:
        if index is None:
            continue
        link = rtnetlink.get_link(index=index)
        if link.get_attr("IFLA_IFNAME") != tunnel:
            yield int(of_route or link.get_attr("IFLA_MTU"))
