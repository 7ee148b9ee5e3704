"""How many zeros follow a packet before it is sealed (paper §5.4.6)."""

from __future__ import annotations

from netstart_wg.protocol.messages import PADDING_MULTIPLE


def padding_length(length: int, limit: int) -> int:
    """Return how many zeros follow a packet of `length` octets.

    Up to a multiple of 16, but never beyond the limit, so that padding alone does
    not make a packet too big for its path (as the Linux driver does).
    """
    last = length if length <= limit else length % limit
    return min(limit, -(-last // PADDING_MULTIPLE) * PADDING_MULTIPLE) - last
