"""A change to a device.  *Leave alone*, *clear* and *set* are three different things.

`UNCHANGED` leaves alone, `None` (or 0) clears, anything else sets.  The fields
and their order of effect are those of the UAPI `set` operation: interface keys
first, then `replace_peers`, then each peer.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, Literal

from netstart_wg.model.address import Endpoint, IPNetwork
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey


class Unchanged(enum.Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged.UNCHANGED
UnchangedType = Literal[Unchanged.UNCHANGED]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerChange:
    """What becomes of one peer; it is created if need be."""

    public_key: PublicKey
    remove: bool = False
    """Delete the peer; the other fields mean nothing then."""
    update_only: bool = False
    """Do nothing if there is no such peer."""
    preshared_key: PresharedKey | UnchangedType | None = UNCHANGED
    """None clears it."""
    endpoint: Endpoint | UnchangedType = UNCHANGED
    persistent_keepalive: int | UnchangedType = UNCHANGED
    """Seconds; 0 switches off."""
    replace_allowed_ips: bool = False
    """Clear the list before the additions."""
    add_allowed_ips: tuple[IPNetwork, ...] = ()
    """Each moves here from whichever peer had it."""
    remove_allowed_ips: tuple[IPNetwork, ...] = ()
    """Taken away if this peer has them."""
    description: str | UnchangedType | None = UNCHANGED
    """None clears it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChange:
    """What becomes of a device."""

    private_key: PrivateKey | UnchangedType | None = UNCHANGED
    """None removes it."""
    listen_port: int | UnchangedType = UNCHANGED
    """0 asks for a new random port."""
    fwmark: int | UnchangedType = UNCHANGED
    """0 is none."""
    wgrtable: int | UnchangedType = UNCHANGED
    """Number of the rdomain that the UDP sockets shall live in; 0 is the engine's own namespace."""
    groups: tuple[str, ...] | UnchangedType = UNCHANGED
    """All that the interface shall be in, without `wg`."""
    replace_peers: bool = False
    """Remove all peers first."""
    peers: tuple[PeerChange, ...] = ()
    """In order; one key may occur several times."""

    @property
    def is_empty(self) -> bool:
        """Whether applying it would do nothing at all."""
        return self == DeviceChange()
