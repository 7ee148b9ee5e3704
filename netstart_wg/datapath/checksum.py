"""The Internet checksum (RFC 1071) in CPython, quickly.

The sum of 16-bit words modulo 65535 is the number that all the octets form,
modulo 65535, because 2**16 is 1 there.  So one conversion to an integer replaces
a loop over words; converting two halves and adding them first halves the
division.  Words are taken as little-endian throughout, which RFC 1071 §2 (B)
allows as long as the result is stored the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from netstart_wg.datapath.base import Buffer


def words_sum(data: Buffer) -> int:
    """Return the sum of the little-endian 16-bit words modulo 65535; an odd octet is padded."""
    half = len(data) // 4 * 2
    return (int.from_bytes(data[:half], "little") + int.from_bytes(data[half:], "little")) % 65535


def complement(total: int) -> bytes:
    """Return the two octets to store for words that sum to `total`, the checksum field being 0.

    Never zeros, by which UDP says that there is no checksum.
    """
    return (65535 - total % 65535).to_bytes(2, "little")


def complements(totals: Sequence[int], others: Sequence[int]) -> bytes:
    """Return what `complement` does of each total and its other, added up, end to end."""
    stored = [65535 - (total + other) % 65535 for total, other in zip(totals, others, strict=True)]
    return struct.pack(f"<{len(stored)}H", *stored)
