"""How many handshake messages a source may send under load (paper §5.3).

A token bucket for each source, filled at twenty a second up to five.  It is
asked only after a valid mac2, so a source cannot be feigned; one IPv6 host
usually has a whole /64 to itself, and so that counts as one source.

The buckets are bounded: when there are too many, new sources are refused until
others have fallen silent.  Each call does a bounded amount of tidying up.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from netstart_wg.model.address import IPAddress
from netstart_wg.model.now import NANOSECONDS_PER_SECOND

MESSAGES_PER_SECOND = 20
BURST_MESSAGES = 5
SOURCES_MAX = 65_536
IDLE_AFTER_NS = NANOSECONDS_PER_SECOND
"""A source that was not heard of for longer is forgotten; its bucket is long full again."""

_MESSAGE_COST_NS = NANOSECONDS_PER_SECOND // MESSAGES_PER_SECOND
_FULL_NS = BURST_MESSAGES * _MESSAGE_COST_NS
_COLLECTED_PER_CALL = 2
"""A call adds one source at most, so with two the idle ones do get fewer."""


@dataclass(slots=True)
class _Bucket:
    """What a source may still send, measured as time: that is what fills it."""

    filled_ns: int
    asked_ns: int


class RateLimiter:
    """The buckets of all sources."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()
        """By source, in the order in which they were last heard of."""

    def allow(self, address: IPAddress, now_ns: int) -> bool:
        """Take a message's worth from the source's bucket; return False if that is not in it."""
        self._collect(now_ns)
        source = address.packed[:8]  # all of an IPv4 address, the /64 of an IPv6 one
        bucket = self._buckets.get(source)
        if bucket is None:
            if len(self._buckets) >= SOURCES_MAX:
                return False
            bucket = self._buckets[source] = _Bucket(_FULL_NS, now_ns)
        else:
            self._buckets.move_to_end(source)
        bucket.filled_ns = min(_FULL_NS, bucket.filled_ns + now_ns - bucket.asked_ns)
        bucket.asked_ns = now_ns
        if bucket.filled_ns < _MESSAGE_COST_NS:
            return False
        bucket.filled_ns -= _MESSAGE_COST_NS
        return True

    def _collect(self, now_ns: int) -> None:
        """Forget up to two sources that have been idle."""
        for _ in range(_COLLECTED_PER_CALL):
            source = next(iter(self._buckets), None)
            if source is None or now_ns - self._buckets[source].asked_ns <= IDLE_AFTER_NS:
                return
            del self._buckets[source]
