"""The two clocks, read once per wake-up and handed down as a value."""

from __future__ import annotations

from typing import NamedTuple

NANOSECONDS_PER_SECOND = 1_000_000_000


class Now(NamedTuple):
    """One reading of both clocks; a tuple, which is made in a quarter of a dataclass's time.

    Durations and deadlines use `boottime_ns`, which goes on counting while the
    machine is suspended and never steps.  Only what leaves the machine as a
    date (TAI64N timestamps, the time of the last handshake) uses `realtime_ns`.
    """

    boottime_ns: int
    """CLOCK_BOOTTIME, nanoseconds."""
    realtime_ns: int
    """CLOCK_REALTIME, nanoseconds since 1970-01-01 UTC."""
