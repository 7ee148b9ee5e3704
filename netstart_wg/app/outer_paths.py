"""The ways to endpoints that an MTU is worked out from.

An unchanged run looks along them, too, and so notices a way that has become
narrower or wider.  That takes one question to the kernel for each, and there
are few (`reconcile/mtu.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Self

from netstart_wg.app.system import Machine
from netstart_wg.errors import NoSuchRdomainError
from netstart_wg.model.address import Endpoint

_NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class OuterPath:
    """Where a packet would go to that leaves an engine's socket, and how long it may be."""

    interface: str
    rdomain: int
    """That the sockets are in."""
    fwmark: int
    endpoint: Endpoint
    mtu: int | None = None
    """Bytes; None: there was no way."""

    def look(self, machine: Machine) -> Self:
        """Return it as it is now."""
        try:
            links = machine.system.links(self.rdomain)
            mtu = links.path_mtu(self.endpoint, self.fwmark, self.interface)
        except NoSuchRdomainError:
            mtu = None
        return replace(self, mtu=mtu)

    def encode(self) -> str:
        """Write it as one word."""
        to = self.endpoint
        values = (self.rdomain, self.fwmark, to.address, to.port, to.scope_id, self.mtu or _NONE)
        return "|".join(map(str, values))

    @classmethod
    def decode(cls, interface: str, word: str) -> Self:
        """Read what `encode` wrote; raise ValueError for anything else."""
        rdomain, fwmark, address, port, scope_id, mtu = word.split("|")
        return cls(
            interface=interface,
            rdomain=int(rdomain),
            fwmark=int(fwmark),
            endpoint=Endpoint(ip_address(address), int(port), int(scope_id)),
            mtu=None if mtu == _NONE else int(mtu),
        )
