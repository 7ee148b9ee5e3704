"""A deadline that comes however the wall clock is set, and also while the machine sleeps."""

from __future__ import annotations

import os
import time
from typing import Self

from netstart_wg.system import libc


def boot_time_ns() -> int:
    """Return for how long the machine has been on, sleep included (CLOCK_BOOTTIME)."""
    return time.clock_gettime_ns(libc.CLOCK_BOOTTIME)


class BootTimer:
    """A descriptor that becomes readable at a boot time; until one is set, never."""

    def __init__(self) -> None:
        """Raise OSError if the kernel has none to give."""
        flags = libc.TFD_CLOEXEC | libc.TFD_NONBLOCK
        self._descriptor = libc.timerfd_create(libc.CLOCK_BOOTTIME, flags)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def fileno(self) -> int:
        """Return what to poll for reading."""
        return self._descriptor

    def set(self, deadline_ns: int) -> None:
        """Become readable at that boot time and no other; one that has passed is now."""
        libc.timerfd_settime(self._descriptor, libc.TFD_TIMER_ABSTIME, max(1, deadline_ns))
