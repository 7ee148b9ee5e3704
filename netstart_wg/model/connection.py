"""The connection by which somebody is there who makes a change."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Of SSH, from them to us."""

    client: IPv4Address | IPv6Address
    server: IPv4Address | IPv6Address
    """Ours."""
