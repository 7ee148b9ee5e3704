"""Explicit congestion notification through the tunnel (RFC 6040), pure.

On the way out the outer header gets the inner packet's two bits (§4.1, normal
mode).  On the way in, what routers wrote into the outer header is told the inner
packet (§4.2), so that congestion under the tunnel slows its flows without a loss.
"""

from __future__ import annotations

from netstart_wg.datapath.base import Buffer

NOT_ECT = 0b00
ECT_1 = 0b01
ECT_0 = 0b10
CE = 0b11
"""The codepoints (RFC 3168 §5): no support; two that say support; congestion experienced."""

TOLD_INNER = frozenset((ECT_1, CE))
"""Outer codepoints that may change an inner one; for any other there is nothing to do."""

_MASK = 0b11


def ecn_of(packet: Buffer) -> int:
    """Return the codepoint of an IP packet of 20 octets or more."""
    return packet[1] & _MASK if packet[0] >> 4 == 4 else packet[1] >> 4 & _MASK


def decapsulate(packet: bytes, outer: int) -> bytes | None:
    """Return a sound IP packet as it leaves the tunnel; None if it is to be dropped.

    RFC 6040 §4.2, figure 4; dropped is what says congestion to a flow that
    could not hear it but by a loss.
    """
    inner = ecn_of(packet)
    if outer == CE and inner == NOT_ECT:
        return None
    if inner in (NOT_ECT, CE) or outer not in TOLD_INNER or inner == outer:
        return packet
    return _with_ecn(packet, outer)


def _with_ecn(packet: bytes, ecn: int) -> bytes:
    if packet[0] >> 4 == 6:
        # the traffic class lies across two octets: its low half is the high half of the second
        return b"".join((packet[:1], bytes([packet[1] & 0xCF | ecn << 4]), packet[2:]))
    old = int.from_bytes(packet[:2], "big")
    new = old & ~_MASK | ecn
    # RFC 1624, equation 3: what was wrong with the checksum stays wrong
    checksum = int.from_bytes(packet[10:12], "big")
    adjusted = -((0xFFFF - checksum) + (0xFFFF - old) + new) % 0xFFFF
    head = new.to_bytes(2, "big"), packet[2:10], adjusted.to_bytes(2, "big")
    return b"".join((*head, packet[12:]))
