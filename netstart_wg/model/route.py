"""Routes as `!route add` lines of a hostname file ask for them (route(8))."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from netstart_wg.model.address import IPAddress, IPNetwork
from netstart_wg.model.source import Subject

DEFAULT_PRIORITY = 8
"""OpenBSD's RTP_STATIC: what route(8) gives a route without -priority."""


class RouteKind(enum.Enum):
    """What becomes of a packet."""

    UNICAST = "unicast"
    BLACKHOLE = "blackhole"
    """Dropped in silence."""
    REJECT = "reject"
    """Dropped, and the sender is told that the destination is unreachable."""


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a route leads to.  At least one of the two is known."""

    gateway: IPAddress | None
    """None: the destination itself is on the interface's link; never carries a scope."""
    interface: str | None
    """Desired and None: whichever the kernel reaches the gateway through."""


@dataclass(frozen=True, slots=True)
class RouteKey:
    """What tells two routes apart."""

    rdomain: int
    destination: IPNetwork
    """Host bits cleared."""
    priority: int = DEFAULT_PRIORITY
    """The lower, the better; Linux's metric."""
    table: int | None = None
    """A routing table of the interface's own; None: the main one of the rdomain."""

    @property
    def subject(self) -> Subject:
        """Return what a place or a difference calls it."""
        table = () if self.table is None else (str(self.table),)
        return "route", str(self.rdomain), str(self.destination), str(self.priority), *table


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of ours."""

    key: RouteKey
    kind: RouteKind = RouteKind.UNICAST
    next_hops: tuple[NextHop, ...] = ()
    """One, or several with -mpath, in the order declared; none unless UNICAST."""
    mtu: int | None = None
    """Bytes; None: that of the interface."""
