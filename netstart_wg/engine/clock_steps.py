"""Word of a wall clock that was set, by timerfd_create(2).

An initiation carries a date, and a peer takes none that is earlier than the one
before.  As long as an engine lives it sees to that itself, whatever the clock
says; when it starts anew it has only the clock.  So whoever looks for the reason
why peers do not answer must find in the log that the clock was set.

A timer that is never due, with TFD_TIMER_CANCEL_ON_SET, costs nothing until
then.  The standard library has it from Python 3.13 on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import time

from netstart_wg.model.now import Now

_TFD_TIMER_ABSTIME = 1
_TFD_TIMER_CANCEL_ON_SET = 2
_NEVER = struct.pack("@llll", 0, 0, (1 << (8 * struct.calcsize("@l") - 1)) - 1, 0)
"""struct itimerspec: no interval, and the last second there is."""


class ClockSteps:
    """A descriptor that becomes readable when somebody sets the wall clock."""

    def __init__(self, moment: Now) -> None:
        """Watch from now on; raise OSError.

        From a kernel that has only timers of other kinds, as some sandboxes have, no word comes.
        """
        self._offset_ns = _offset(moment)
        libc = ctypes.CDLL(None, use_errno=True)
        flags = os.O_NONBLOCK | os.O_CLOEXEC
        self.descriptor: int = libc.timerfd_create(time.CLOCK_REALTIME, flags)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        flags = _TFD_TIMER_ABSTIME | _TFD_TIMER_CANCEL_ON_SET
        libc.timerfd_settime(self.descriptor, flags, _NEVER, None)

    def take(self, moment: Now) -> int:
        """Return by how much the clock was set since last asked: nanoseconds, negative for back.

        A machine that wakes from suspension brings word, too, of a clock that was not set.
        """
        with contextlib.suppress(OSError):  # ECANCELED is the word itself
            os.read(self.descriptor, 8)
        before, self._offset_ns = self._offset_ns, _offset(moment)
        return self._offset_ns - before

    def close(self) -> None:
        """Watch no more."""
        os.close(self.descriptor)


def _offset(moment: Now) -> int:
    """Return what only setting the clock changes by much: boot time goes on in suspension."""
    return moment.realtime_ns - moment.boottime_ns
