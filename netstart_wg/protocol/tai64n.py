"""TAI64N timestamps: the date in a handshake initiation (paper §5.1, §5.4.2).

Twelve bytes, big-endian: seconds on the TAI64 scale and nanoseconds.  They sort
as bytes do, and nobody but their author has to understand them: a responder only
asks whether one is newer than the last.
"""

from __future__ import annotations

import struct

from netstart_wg.model.now import NANOSECONDS_PER_SECOND

_TAI64N = struct.Struct(">QI")

_UNIX_EPOCH = (1 << 62) + 10
"""1970 on the TAI64 scale; the leap seconds since are left out, as everybody does here."""

_WHITENED_BITS = 24
STEP_NS = 1 << _WHITENED_BITS
"""The greatest such step that still tells apart fifty initiations a second."""


def timestamp(realtime_ns: int) -> bytes:
    """Return the 12 bytes for nanoseconds since 1970, rounded down to about 17 ms.

    The exact time would tell an observer more than it should about when the
    machine does what.
    """
    seconds, nanoseconds = divmod(realtime_ns, NANOSECONDS_PER_SECOND)
    whitened = nanoseconds >> _WHITENED_BITS << _WHITENED_BITS
    return _TAI64N.pack(_UNIX_EPOCH + seconds, whitened)


def is_newer(date: bytes, than: bytes) -> bool:
    """Whether one timestamp is strictly newer than another; both have 12 bytes."""
    return date > than
