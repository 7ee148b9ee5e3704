"""The two clocks, read once per wake-up and handed down as a value."""

from __future__ import annotations

from dataclasses import dataclass

NANOSECONDS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One reading of both clocks.

    Durations and deadlines use `boottime_ns`, which goes on counting while the
    machine is suspended and never steps.  Only what leaves the machine as a
    date (TAI64N timestamps, the time of the last handshake) uses `realtime_ns`.
    """

    boottime_ns: int
    """CLOCK_BOOTTIME, nanoseconds."""
    realtime_ns: int
    """CLOCK_REALTIME, nanoseconds since 1970-01-01 UTC."""
