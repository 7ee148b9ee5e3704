"""One lock for each interface: two runs never change the same interface at once.

The lock is flock(2) on a file that is never removed (removing it would let two
runs hold two files of one name).  It dies with its holder and is not inherited
by the engine or by `!` commands.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from netstart_wg.errors import BusyError
from netstart_wg.system.paths import lock_path, make_run_directory
from netstart_wg.system.refusal import refusal

WAIT_SECONDS = 5.0
POLL_SECONDS = 0.05


@contextmanager
def interface_lock(interface: str, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the interface's lock; raise BusyError if nobody lets go of it in time."""
    descriptor = _open(interface)
    try:
        _acquire(descriptor, interface, time.monotonic() + wait_seconds)
        yield
    finally:
        os.close(descriptor)


def _open(interface: str) -> int:
    try:
        make_run_directory()
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(lock_path(interface), flags, 0o600)
    except OSError as error:
        raise refusal("lock", interface, error, lock_path(interface)) from error


def _acquire(descriptor: int, interface: str, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise refusal("lock", interface, error) from error
            if time.monotonic() >= deadline:
                raise BusyError(f"{interface}: another run is at work on it") from None
            time.sleep(POLL_SECONDS)
        else:
            return
