"""A buffer taken as rows of one length, end to end (pure).

What UDP_SEGMENT sends and UDP_GRO receives lies so, and so do the packets inside.
Nothing is allocated for a row, and views of rows, or of the same part of each
row, are kept: making one takes as long as a tenth of the encryption.
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

ROOM = (1 << 16) + 64
"""Octets: the longest packet, sealed."""

_KEPT = 32
"""Kinds of views; traffic has few lengths at a time, and whoever floods us may have many."""


class Rows:
    """The buffer, and views of it."""

    __slots__ = ("_kept", "_views", "buffer", "view")

    def __init__(self, memory: memoryview | None = None, kept: int = _KEPT) -> None:
        """Take memory, or make room for one send or receive; keep so many kinds of views."""
        # pages that nobody has written to yet take no memory
        made = memory or mmap.mmap(-1, ROOM, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.buffer: mmap.mmap | memoryview = made
        self.view = memoryview(made)
        self._kept = kept
        self._views: dict[tuple[int, int, int], list[memoryview]] = {}

    def parts(self, stride: int, start: int, stop: int, count: int) -> list[memoryview]:
        """Return the octets from `start` to `stop` of each of the first `count` rows."""
        views = self._views.get((stride, start, stop))
        if views is None:
            if len(self._views) >= self._kept:
                self._views.clear()
            views = self._views[stride, start, stop] = []
        for at in range(len(views) * stride, count * stride, stride):
            views.append(self.view[at + start : at + stop])
        return views[:count]

    def set_numbers(self, stride: int, start: int, octets: bytes, width: int) -> None:
        """Put a number of `width` octets into each row at `start`; `octets` are those numbers."""
        stop = len(octets) // width * stride
        for place in range(width):
            self.buffer[start + place : stop : stride] = octets[place::width]


class LaidPackets(NamedTuple):
    """Packets that lie in rows, side by side."""

    rows: Rows
    packets: list[memoryview]
    """All of one length, which is the stride, but the last may be shorter."""

    def parts(self, start: int, stop: int) -> list[memoryview]:
        """Return the octets from `start` to `stop` of each, as if the last were no shorter."""
        return self.rows.parts(len(self.packets[0]), start, stop, len(self.packets))
