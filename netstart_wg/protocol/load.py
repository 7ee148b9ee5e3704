"""When cookies are called for: under load (paper §5.3).

The paper leaves it open what load is.  Linux goes by the handshake messages that
wait in its queue.  Here none wait, each is answered as it comes; so what counts is
how many come.
"""

from __future__ import annotations

from netstart_wg.model.now import NANOSECONDS_PER_SECOND

UNDER_LOAD_HANDSHAKES = 512
"""So many handshake messages within a second, and each costs its sender a cookie."""

UNDER_LOAD_LASTS_NS = NANOSECONDS_PER_SECOND
"""It is over when for so long there were no longer too many."""


class LoadGauge:
    """Whether so many handshake messages come in that cookies are called for."""

    __slots__ = ("_count", "_second", "_until_ns")

    def __init__(self) -> None:
        self._second = 0
        self._count = 0
        self._until_ns = 0

    def is_under_load(self, now_ns: int) -> bool:
        """Count one handshake message; return whether there are too many of them."""
        second = now_ns // NANOSECONDS_PER_SECOND
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        if self._count >= UNDER_LOAD_HANDSHAKES:
            self._until_ns = now_ns + UNDER_LOAD_LASTS_NS
        return now_ns < self._until_ns
