"""One lock for each interface: two runs never change the same interface at once.

The lock is flock(2) on a file that is never removed (removing it would let two
runs hold two files of one name).  It dies with its holder and is not inherited
by the engine or by `!` commands.

Whoever finds it held waits inside flock(2): the kernel keeps them in a queue,
where asking every now and then would let the newest go first.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from netstart_wg.errors import BusyError
from netstart_wg.system.paths import (
    RUN_DIRECTORY,
    lock_path,
    make_run_directory,
    rdomains_lock_path,
)
from netstart_wg.system.refusal import refusal

WAIT_SECONDS: Final = 30.0
"""As long as a `!` command may take; on OpenBSD, too, one ifconfig waits for the other."""


@contextmanager
def interface_lock(interface: str, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the interface's lock; raise BusyError if nobody lets go of it in time.

    For the main thread: who waits is woken by SIGALRM.
    """
    descriptor = _open(interface, lock_path(interface))
    try:
        if not _is_acquired(descriptor, interface):
            _await(descriptor, interface, wait_seconds)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def rdomains_lock(*, is_exclusive: bool) -> Iterator[bool]:
    """Hold the lock of those who use rdomains, or, if nobody does, of who removes one.

    Yield whether it is held; who uses them has to wait for no more than a removal.
    """
    descriptor = _open("rdomains", rdomains_lock_path())
    try:
        kind = fcntl.LOCK_EX | fcntl.LOCK_NB if is_exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(descriptor, kind)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _open(name: str, path: Path) -> int:
    try:
        make_run_directory()
    except OSError as error:
        raise refusal("lock", name, error, RUN_DIRECTORY) from error
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(path, flags, 0o600)
    except OSError as error:
        raise refusal("lock", name, error, path) from error


def _is_acquired(descriptor: int, interface: str, wait: int = fcntl.LOCK_NB) -> bool:
    """Take the lock; say whether it could be had."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | wait)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise refusal("lock", interface, error) from error
    return True


def _await(descriptor: int, interface: str, wait_seconds: float) -> None:
    """Take the lock when it is let go of; raise BusyError after the time given."""
    busy = BusyError(f"{interface}: another run is at work on it")
    if wait_seconds <= 0:
        raise busy

    def give_up(*_: object) -> NoReturn:
        raise busy

    former = signal.signal(signal.SIGALRM, give_up)
    try:
        signal.setitimer(signal.ITIMER_REAL, wait_seconds)
        _is_acquired(descriptor, interface, wait=0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
