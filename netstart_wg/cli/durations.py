"""Times as people type them: `30s`, `5m`, `1h`."""

from __future__ import annotations

import re
from typing import Final

from netstart_wg.errors import UsageError

SHORTEST_SECONDS: Final = 1
LONGEST_SECONDS: Final = 24 * 3600

_WINDOW = re.compile(r"([0-9]{1,5})([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def read_window(text: str) -> int:
    """Return in nanoseconds how long a confirmation may take; raise UsageError."""
    match = _WINDOW.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise UsageError(f'--confirm: "{text}" is no time from 1s to 24h, such as 30s, 5m or 1h')
    return seconds * 1_000_000_000
