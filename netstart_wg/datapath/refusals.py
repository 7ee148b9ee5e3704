"""What was refused lately: done without for a while, then tried again.

A path whose MTU is below the device's refuses UDP_SEGMENT, a TUN may refuse
super-packets.  Routes and kernels change, so that no refusal is for ever.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Generic, TypeVar

from netstart_wg.model.now import NANOSECONDS_PER_SECOND

K = TypeVar("K")

RETRY_AFTER_NS = 15 * NANOSECONDS_PER_SECOND
"""One refused system call in so much time is not worth avoiding."""

REFUSALS_MAX = 4096
"""Beyond that the oldest is forgotten, and costs its system call again."""


class Refusals(Generic[K]):
    """Who or what refused, and until when that is taken for granted."""

    __slots__ = ("_until_ns", "is_empty")

    def __init__(self) -> None:
        self.is_empty = True
        """Nothing is remembered: then nobody need be looked up, nor the clock read."""
        self._until_ns: dict[K, int] = {}
        """In the order in which they end."""

    def remember(self, key: K, now_ns: int) -> None:
        """Note that `key` refused just now."""
        self._until_ns.pop(key, None)
        if len(self._until_ns) >= REFUSALS_MAX:
            del self._until_ns[next(iter(self._until_ns))]
        self._until_ns[key] = now_ns + RETRY_AFTER_NS
        self.is_empty = False

    def holds(self, key: K, now_ns: int) -> bool:
        """Tell whether `key` refused lately; what is over is forgotten."""
        self.expire(now_ns)
        return key in self._until_ns

    def present(self, now_ns: int) -> Collection[K]:
        """Return who or what refuses now."""
        self.expire(now_ns)
        return self._until_ns.keys()

    def expire(self, now_ns: int) -> list[K]:
        """Forget what is over, and return it."""
        over: list[K] = []
        for key, until_ns in self._until_ns.items():
            if now_ns < until_ns:
                break
            over.append(key)
        for key in over:
            del self._until_ns[key]
        self.is_empty = not self._until_ns
        return over
