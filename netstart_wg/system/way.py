"""By which interface a host is reached."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

from netstart_wg.errors import BackendError
from netstart_wg.system.routes import RTM_GETROUTE
from netstart_wg.system.rtnetlink import Rtnetlink

Address = IPv4Address | IPv6Address


def interface_towards(rtnetlink: Rtnetlink, destination: Address, source: Address) -> str | None:
    """Return the interface that what we send from one to the other leaves by; None if by none."""
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    message = rtmsg()
    message["family"] = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    message["dst_len"] = message["src_len"] = destination.max_prefixlen
    message["attrs"] = [("RTA_DST", str(destination)), ("RTA_SRC", str(source))]
    try:
        (route,) = rtnetlink.ask(message, RTM_GETROUTE)
        index = route.get_attr("RTA_OIF")
        return None if index is None else rtnetlink.name(index)
    except (OSError, BackendError):  # there is no way, or the source is not ours
        return None
