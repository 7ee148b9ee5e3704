"""One deadline for all peers: when to look at which of them next.

A heap with one entry that counts for each peer.  Traffic moves a peer's deadline
away with every batch, and back with every answer; only an earlier one than the
peer's entry is entered anew, and whoever is looked at too early is entered again
at no more cost than that look.  Entries that no longer count stay until their
time comes, or until they are the most.
"""

from __future__ import annotations

import heapq

from netstart_wg.protocol.forwarding import PeerId

_SPARE_ENTRIES = 64
"""That no longer count, besides one for each peer."""


class Schedule:
    """Peers by number, each at most once."""

    __slots__ = ("_entries", "_when")

    def __init__(self) -> None:
        self._entries: list[tuple[int, PeerId]] = []
        self._when: dict[PeerId, int] = {}
        """The time of the entry that counts, boot-time ns."""

    def enter(self, peer: PeerId, deadline: int | None) -> None:
        """See to it that the peer's turn comes by then; with None there is no need."""
        if deadline is None:
            return
        entered = self._when.get(peer)
        if entered is not None and entered <= deadline:
            return
        self._when[peer] = deadline
        heapq.heappush(self._entries, (deadline, peer))
        if len(self._entries) > 2 * len(self._when) + _SPARE_ENTRIES:
            self._entries = [(when, each) for each, when in self._when.items()]
            heapq.heapify(self._entries)

    def forget(self, peer: PeerId) -> None:
        """Leave the peer out until it is entered again."""
        self._when.pop(peer, None)

    def next_deadline(self) -> int | None:
        """Return when somebody's turn comes, boot-time ns, or None."""
        entries, counting = self._entries, self._when
        while entries:
            when, peer = entries[0]
            if counting.get(peer) == when:
                return when
            heapq.heappop(entries)
        return None

    def take(self, now_ns: int) -> PeerId | None:
        """Return whose turn it is and leave it out, or None: it is nobody's yet."""
        when = self.next_deadline()
        if when is None or when > now_ns:
            return None
        _, peer = heapq.heappop(self._entries)
        del self._when[peer]
        return peer
