"""What a kernel can do for the engine many packets at a time, by the names that users meet."""

from __future__ import annotations

import enum


class Offload(enum.Enum):
    """One of them; the engine does without any."""

    TUN_CSUM = "tun-csum"
    """The interface leaves checksums to the engine; the other two of the TUN take it."""
    TUN_TSO = "tun-tso"
    """TCP comes in super-packets from the TUN, and goes so into it."""
    TUN_USO = "tun-uso"
    """The same of UDP (Linux 6.2 and newer)."""
    UDP_GRO = "udp-gro"
    """One receive brings many datagrams of a sender."""
    UDP_GSO = "udp-gso"
    """One send takes many datagrams to a receiver."""
