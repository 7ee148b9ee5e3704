"""Giving up privileges: capabilities(7), a user of its own, memory that nobody else reads.

What is given up is given up for good.  Capabilities are an attribute of a
thread, so all of this is for a process that has only one.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import resource
from collections.abc import Iterable
from typing import Final

from netstart_wg.engine.account import Account
from netstart_wg.errors import BackendError
from netstart_wg.system import libc


class Capability(enum.IntEnum):
    """Those that an opener has a use for; the numbers are Linux's."""

    NET_BIND_SERVICE = 10
    """A listen port below 1024."""
    NET_ADMIN = 12
    """SO_MARK, socket buffers above the limit; where a TUN's interface is, its super-packets."""
    SYS_ADMIN = 21
    """Entering the network namespace of an rdomain, or the one that the interface is in."""


OPENER: Final = frozenset(Capability)
NOTHING: Final[frozenset[Capability]] = frozenset()


def become(account: Account) -> None:
    """Be that user, who is not root, for good, without any capability; raise BackendError."""
    try:
        _clear_bounding_set(NOTHING)
        os.setgroups([])
        os.setresgid(account.group, account.group, account.group)
        os.setresuid(account.user, account.user, account.user)
    except OSError as error:
        reason = f"{error.strerror}\n    hint: name another user with --user, or use --keep-root"
        raise BackendError("run as", account.name, reason, error.errno or 0) from error
    keep(NOTHING)


def keep(wanted: Iterable[Capability]) -> None:
    """Keep of our capabilities only these, gain none by executing anything; raise OSError."""
    kept = frozenset(wanted)
    _clear_bounding_set(kept)
    with contextlib.suppress(OSError):  # before Linux 4.3 there are none
        libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_CLEAR_ALL)
    libc.set_capabilities(libc.permitted_capabilities() & _mask(kept))
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    leave_no_image()


def lock_memory() -> bool:
    """Keep what is in memory, now and later, out of the swap; return whether that is so.

    Pages are locked as they are used.  Where the amount is limited nothing is
    locked, or the limit would be hit one day, and memory refused.
    """
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, unlimited)
        libc.mlockall(libc.MCL_CURRENT | libc.MCL_FUTURE | libc.MCL_ONFAULT)
    except (OSError, ValueError):
        return False
    return True


def set_title(title: str) -> None:
    """Show another command line in ps(1), as long as the present one at most."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        libc.overwrite_arguments(title.encode())


def leave_no_image() -> None:
    """Let nobody read our memory: no core file, no ptrace(2), /proc/PID is root's.

    To be repeated whenever the user has changed, which sets it back.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc.prctl(libc.PR_SET_DUMPABLE, 0)


def _clear_bounding_set(kept: frozenset[Capability]) -> None:
    """Drop all others from it; without CAP_SETPCAP it stays, and can give us nothing."""
    number = 0
    while True:
        try:
            libc.prctl(libc.PR_CAPBSET_READ, number)
            if number not in kept:
                libc.prctl(libc.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return  # there is no such capability, nor any above it
            if error.errno != errno.EPERM:
                raise
            return
        number += 1


def _mask(capabilities: frozenset[Capability]) -> int:
    return sum(1 << capability for capability in capabilities)
