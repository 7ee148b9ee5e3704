"""The one process that looks after names of endpoints: whether it is there, starting it, waking it.

It is there as long as it holds its lock, which dies with it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
from contextlib import suppress

from netstart_wg.errors import BackendError
from netstart_wg.system import service_manager
from netstart_wg.system.locks import is_in_place
from netstart_wg.system.own_programs import complaint, start_own
from netstart_wg.system.paths import NAMES_LOCK, RUN_DIRECTORY, make_run_directory

_START = "look after names"
_PROGRAM = "netstart_wg.cli.names"
_FLOCK = struct.Struct("hhqqi0q")
"""struct flock of fcntl(2): kind, origin, start, length, process."""
_RTMGRP_OF_ADDRESSES_AND_ROUTES = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
"""rtnetlink(7): links, addresses and routes of both families."""


def is_watching() -> bool:
    """Say whether the process is there, without taking the lock for a moment: it might want it."""
    try:
        descriptor = os.open(NAMES_LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        question = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        kind, *_ = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, question))
    finally:
        os.close(descriptor)
    return bool(kind != fcntl.F_UNLCK)


def start_or_wake() -> None:
    """Have the process there, with word that there is something new; raise BackendError."""
    if is_watching():
        with suppress(OSError, ValueError):
            os.kill(int(NAMES_LOCK.read_text()), signal.SIGHUP)
        return
    if service_manager.is_in_charge():
        service_manager.start(service_manager.NAMES_UNIT, _START, "netstart-wg")
        return
    ended = start_own(_START, "netstart-wg", _PROGRAM)
    if ended.returncode:
        raise BackendError(_START, "netstart-wg", complaint(ended))


def hold_lock() -> int | None:
    """Be the process, until the descriptor is closed; None if another one is."""
    wish = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    while True:
        make_run_directory()
        descriptor = os.open(NAMES_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wish)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if is_in_place(descriptor, NAMES_LOCK):
            break
        os.close(descriptor)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def let_go(descriptor: int) -> None:
    """Be the process no longer, and leave nothing behind."""
    with suppress(OSError):
        NAMES_LOCK.unlink(missing_ok=True)
    os.close(descriptor)
    with suppress(OSError):  # others have something there, mostly
        RUN_DIRECTORY.rmdir()


def network_news() -> socket.socket:
    """Return a socket that something can be read from whenever the network has changed."""
    news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    news.setblocking(False)
    news.bind((0, _RTMGRP_OF_ADDRESSES_AND_ROUTES))
    return news
