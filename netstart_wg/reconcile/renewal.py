"""When to look a name up again, and which of its addresses a peer is to have.

A name that has no address is asked for again and again, at growing intervals.  One that
has is not asked for until there is a reason: nothing is heard of the peer any more, or
the network has changed.  A peer that is heard of where it is stays there, whatever
its name says: it has moved, and told us itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from netstart_wg.model.address import Endpoint
from netstart_wg.model.state import PeerState

SECOND: Final = 1_000_000_000

FIRST_DELAY_NS: Final = SECOND
LAST_DELAY_NS: Final = 300 * SECOND
"""Intervals double from the one to the other."""

TRY_NS: Final = 15 * SECOND
"""So long an address is given the chance to lead to a handshake."""

FRESH_NS: Final = 135 * SECOND
"""So long after a handshake a peer that talks is sure to be where it is: it makes another every
two minutes (paper §6.1)."""

LOST_NS: Final = 180 * SECOND
"""REJECT_AFTER_TIME (paper §6.1): no key of an older handshake is any good."""

NEVER: Final = 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When one name is looked up next; boot time, nanoseconds."""

    due_ns: int = 0
    """At once, for a name that is new."""
    delay_ns: int = 0
    """What was waited before the last look; 0 if there was a reason for that."""

    def asked_for(self, now_ns: int) -> Schedule:
        """There is a reason to look; who has just looked in vain waits for his turn."""
        at_once = self.due_ns == NEVER or self.delay_ns == 0
        return replace(self, due_ns=min(self.due_ns, now_ns)) if at_once else self

    def network_changed(self, now_ns: int) -> Schedule:
        """All that was in vain may now succeed."""
        return Schedule(due_ns=min(self.due_ns, now_ns))

    def in_vain(self, now_ns: int, jitter: float, *, is_resolved: bool = False) -> Schedule:
        """Look again later; `jitter` is from 0 to 1, so that not all ask at once.

        A name that has an address, of whose peer nothing is heard, has more time.
        """
        first_ns = TRY_NS if is_resolved else FIRST_DELAY_NS
        delay_ns = min(max(first_ns, 2 * self.delay_ns), LAST_DELAY_NS)
        return Schedule(due_ns=now_ns + int(delay_ns * (1 + jitter / 4)), delay_ns=delay_ns)

    def done(self) -> Schedule:
        """Look no more until there is a reason."""
        return Schedule(due_ns=NEVER)


def is_lost(peer: PeerState, before: PeerState | None, now_ns: int) -> bool:
    """Say whether a peer should be heard of and is not; `now_ns` is wall time.

    It should if it has a persistent keepalive, or if we have sent something since `before`.
    """
    is_sending = before is not None and peer.tx_bytes > before.tx_bytes
    is_silent = now_ns - peer.last_handshake_ns > LOST_NS
    return is_silent and bool(peer.persistent_keepalive or is_sending)


def choose_endpoint(found: Sequence[Endpoint], peer: PeerState, now_ns: int) -> Endpoint | None:
    """Return what the peer's endpoint is to become; None leaves it as it is.

    `found` are the addresses of its name, best first.  Where one of them has not led to a
    handshake for long, the next one is tried.
    """
    present = peer.endpoint
    if present is None:
        return found[0]
    if now_ns - peer.last_handshake_ns < FRESH_NS:
        return None
    if present not in found:
        return found[0]
    following = found[(found.index(present) + 1) % len(found)]
    has_been_tried = now_ns - peer.last_handshake_ns > LOST_NS and peer.tx_bytes > 0
    return following if has_been_tried and following != present else None
