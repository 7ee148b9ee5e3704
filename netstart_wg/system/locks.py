"""One lock for each interface: two runs never change the same interface at once.

The lock is flock(2) on a file.  It dies with its holder and is not inherited by the
engine or by `!` commands.  Only who holds it removes the file, and who gets it then finds
that out and takes the one that has its name now, or two runs would hold two files.

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
    path = lock_path(interface)
    descriptor = _open(interface, path)
    try:
        _acquire(descriptor, interface, wait_seconds)
        while not is_in_place(descriptor, path):
            os.close(descriptor)
            descriptor = _open(interface, path)
            _acquire(descriptor, interface, wait_seconds)
        yield
    finally:
        os.close(descriptor)


def remove_lock(interface: str) -> None:
    """Remove the file of a lock that the caller holds; raise BackendError."""
    path = lock_path(interface)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise refusal("remove the lock", interface, error, path) from error


def is_in_place(descriptor: int, path: Path) -> bool:
    """Say whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def rdomains_lock(*, is_exclusive: bool) -> Iterator[bool]:
    """Hold the lock of those who use rdomains, or, if nobody does, of who removes one.

    Yield whether it is held; who uses them has to wait for no more than a removal.
    """
    path = rdomains_lock_path()
    kind = fcntl.LOCK_EX | fcntl.LOCK_NB if is_exclusive else fcntl.LOCK_SH
    descriptor = _open("rdomains", path)
    try:
        try:
            fcntl.flock(descriptor, kind)
            while not is_in_place(descriptor, path):
                os.close(descriptor)
                descriptor = _open("rdomains", path)
                fcntl.flock(descriptor, kind)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _open(name: str, path: Path) -> int:
    """Return a descriptor of the file, which is made if need be; raise BackendError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        try:
            make_run_directory()
        except OSError as error:
            raise refusal("lock", name, error, RUN_DIRECTORY) from error
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:  # the folder was removed just now (`system/run_directory.py`)
            continue
        except OSError as error:
            raise refusal("lock", name, error, path) from error


def _acquire(descriptor: int, interface: str, wait_seconds: float) -> None:
    """Take the lock, now or later; raise BusyError."""
    if not _is_acquired(descriptor, interface):
        _await(descriptor, interface, wait_seconds)


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
