"""What to wait on, and whom to call: epoll(7), level-triggered.

`selectors` does the same and costs several microseconds a wake-up more, of which
a packet on a quiet line pays four on its way there and back.
"""

from __future__ import annotations

import select
from collections.abc import Callable

BATCH = 32
"""Reads or receives, at most, between two looks at anything else."""

Serve = Callable[[], None]


class Readiness:
    """Descriptors, each with what to call when it can be read, or written."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._serve: dict[int, Serve] = {}

    def close(self) -> None:
        """Wait on nothing any more; the descriptors stay their owners'."""
        self._epoll.close()

    def watch(self, descriptor: int, serve: Serve) -> None:
        """Call `serve` whenever there is something to read."""
        self._epoll.register(descriptor, select.EPOLLIN)
        self._serve[descriptor] = serve

    def await_room(self, descriptor: int, *, is_full: bool) -> None:
        """Call when there is room to write, or, unless it is full, something to read again."""
        self._epoll.modify(descriptor, select.EPOLLOUT if is_full else select.EPOLLIN)

    def forget(self, descriptor: int) -> None:
        """Watch it no more; to be called before it is closed."""
        self._epoll.unregister(descriptor)
        del self._serve[descriptor]

    def wait(self, timeout: float | None) -> list[Serve]:
        """Return whom to call; nobody after so many seconds.

        Whoever is called may forget descriptors of others in the same list: these
        are called all the same, and find nothing to read.
        """
        serve = self._serve
        return [serve[descriptor] for descriptor, _ in self._epoll.poll(timeout)]


class Pace:
    """How many reads a wake-up is worth.

    The read that finds nothing costs as much as one that finds something, so on
    a quiet line there is one read a wake-up, and epoll says whether there is
    more.  A source that is ready again at once is worth a batch.
    """

    __slots__ = ("_turn",)

    def __init__(self) -> None:
        self._turn = -1

    def budget(self, turn: int) -> int:
        """Return how many reads to make; `turn` counts the wake-ups of the loop."""
        is_busy = turn == self._turn + 1
        self._turn = turn
        return BATCH if is_busy else 1
