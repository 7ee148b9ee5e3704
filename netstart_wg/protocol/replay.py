"""The replay window of one receiving key (paper §5.4.6, RFC 6479).

A counter is accepted once, and only if it is no more than REPLAY_WINDOW behind
the greatest one so far.  Only counters of packets whose tag was right may come
here: otherwise anybody could push the window forward.

RFC 6479 shifts no bits but turns a ring of words.  In CPython the cheapest step
is the one without any bitmap: counters that arrive in order form a run, of which
only the two ends are kept.  Not until one is skipped is the run moved into the
bitmap, a single integer.  That makes the usual case a comparison and an
addition (0.09 us, where a bitmap shifted every time takes 0.66 and a ring of
words 0.30), and the memory of a session without loss a few dozen bytes.
"""

from __future__ import annotations

from typing import Self

from netstart_wg.model.saved import SavedReplay
from netstart_wg.protocol.messages import REJECT_AFTER_MESSAGES, REPLAY_WINDOW

_KEPT_BITS = REPLAY_WINDOW + 1
"""The greatest counter itself, and the window behind it."""
_ALL = (1 << _KEPT_BITS) - 1


class ReplayFilter:
    """Which counters have been seen."""

    __slots__ = ("_next", "_run_start", "_seen")

    def __init__(self) -> None:
        self._next = 0
        """One above the greatest counter seen."""
        self._run_start = 0
        """From here up to `_next` every counter was seen; the bitmap does not know of them."""
        self._seen = 0
        """Bit n stands for the counter `_run_start` - 1 - n."""

    @classmethod
    def restored(cls, saved: SavedReplay) -> Self:
        """Go on with what another has seen."""
        restored = cls()
        restored._next, restored._run_start = saved.next, saved.run_start
        restored._seen = saved.seen & _ALL
        return restored

    def save(self) -> SavedReplay:
        """Return what has been seen."""
        return SavedReplay(self._next, self._run_start, self._seen)

    def accept(self, counter: int) -> bool:
        """Record an authenticated counter; return False if it is a replay, too old or too big."""
        if counter == self._next and counter < REJECT_AFTER_MESSAGES:
            self._next = counter + 1
            return True
        return self.accept_run(counter, 1) or self._accept_late(counter)

    def accept_run(self, first: int, count: int) -> bool:
        """Record `count` (1 or more) contiguous counters at once if all are new on top.

        Return False, having recorded nothing, if `first` is not above all that
        was seen or the run reaches the limit: then try them one by one.
        """
        if first < self._next or first + count > REJECT_AFTER_MESSAGES:
            return False
        if first != self._next:
            self._start_run(first)
        self._next = first + count
        return True

    def _accept_late(self, counter: int) -> bool:
        """Record a counter that is not above all that was seen."""
        if counter >= self._run_start or self._next - 1 - counter > REPLAY_WINDOW:
            return False
        bit = 1 << (self._run_start - 1 - counter)
        if self._seen & bit:
            return False
        self._seen |= bit
        return True

    def _start_run(self, start: int) -> None:
        """Move the run into the bitmap and begin an empty one at `start`, above `_next`."""
        # What is out of the window need not be exact: a shift by 2**60 would take all memory.
        run = min(self._next - self._run_start, _KEPT_BITS)
        gap = min(start - self._next, _KEPT_BITS)
        self._seen = (((self._seen << run) | ((1 << run) - 1)) << gap) & _ALL
        self._run_start = start
