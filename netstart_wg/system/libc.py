"""Calls of libc about namespaces, mounts, privileges, memory and timers that Python does not have.

Each raises OSError, and concerns the calling thread alone, but for those about
memory and timers.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path
from typing import Final

CLONE_NEWNS: Final = 0x00020000
"""Mount namespaces (unshare(2))."""
CLONE_NEWNET: Final = 0x40000000
"""Network namespaces."""

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_SLAVE: Final = 1 << 19
MS_SHARED: Final = 1 << 20
MNT_DETACH: Final = 0x2
UMOUNT_NOFOLLOW: Final = 0x8
"""mount(2), umount2(2)."""

PR_SET_DUMPABLE: Final = 4
PR_CAPBSET_READ: Final = 23
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
"""prctl(2)."""

MCL_CURRENT: Final = 1
MCL_FUTURE: Final = 2
MCL_ONFAULT: Final = 4
"""mlockall(2); the architectures of PowerPC, SPARC and Alpha have other numbers."""

CLOCK_BOOTTIME: Final = 7
"""Since the machine was started, and it goes on while that sleeps (clock_gettime(2))."""
TFD_CLOEXEC: Final = 0o2000000
TFD_NONBLOCK: Final = 0o4000
TFD_TIMER_ABSTIME: Final = 1
"""timerfd_create(2)."""

_ITIMERSPEC = struct.Struct("@4l")
"""Interval and first expiry, each in seconds and nanoseconds."""

_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITY_HEADER = struct.Struct("=Ii")
_CAPABILITY_SETS = struct.Struct("=6I")
"""Effective, permitted, inheritable: capabilities 0 to 31, then those of 32 to 63."""


def setns(descriptor: int, kind: int) -> None:
    """Enter the namespace of that descriptor (setns(2))."""
    _call("setns", descriptor, kind)


def unshare(kind: int) -> None:
    """Enter a new namespace (unshare(2))."""
    _call("unshare", kind)


def mount(source: Path | None, target: Path, kind: str, flags: int) -> None:
    """Mount, or change a mount (mount(2)); None is no source."""
    from_where = b"none" if source is None else os.fsencode(source)
    _call("mount", from_where, os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), None)


def unmount(target: Path, flags: int) -> None:
    """Unmount (umount2(2))."""
    _call("umount2", os.fsencode(target), flags)


def prctl(option: int, argument: int = 0) -> None:
    """Ask or tell about this process (prctl(2)); an answer that is no error is not returned."""
    _call("prctl", option, *map(ctypes.c_ulong, (argument, 0, 0, 0)), may_answer=True)


def permitted_capabilities() -> int:
    """Return the permitted set, bit 0 for capability 0 (capabilities(7))."""
    sets = ctypes.create_string_buffer(_CAPABILITY_SETS.size)
    _call("capget", _capability_header(), sets)
    _, low, _, _, high, _ = _CAPABILITY_SETS.unpack(sets.raw)
    return int(low | high << 32)


def set_capabilities(wanted: int) -> None:
    """Make these the permitted and effective ones, and none inheritable."""
    low, high = wanted & 0xFFFFFFFF, wanted >> 32
    sets = _CAPABILITY_SETS.pack(low, low, 0, high, high, 0)
    _call("capset", _capability_header(), sets)


def mlockall(flags: int) -> None:
    """Keep memory out of the swap (mlockall(2))."""
    _call("mlockall", flags)


def timerfd_create(clock: int, flags: int) -> int:
    """Return a descriptor that can be read when a timer has run out (timerfd_create(2))."""
    return _call("timerfd_create", clock, flags, may_answer=True)


def timerfd_settime(descriptor: int, flags: int, expiry_ns: int) -> None:
    """Let it run out once; 0 never (timerfd_settime(2))."""
    setting = _ITIMERSPEC.pack(0, 0, *divmod(expiry_ns, 1_000_000_000))
    _call("timerfd_settime", descriptor, flags, setting, None)


def overwrite_arguments(line: bytes) -> None:
    """Show `line` in place of our command line, as much of it as that has room for."""
    start, end = _argument_area()
    room = end - start
    ctypes.memmove(start, line[: room - 1].ljust(room, b"\0"), room)


def _argument_area() -> tuple[int, int]:
    """Return where our command line lies (proc_pid_stat(5), fields 48 and 49)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    if not 0 < start < end:
        raise OSError("the kernel does not tell")
    return start, end


def _capability_header() -> bytes:
    return _CAPABILITY_HEADER.pack(_CAPABILITY_VERSION_3, 0)


def _call(
    name: str,
    *arguments: int | bytes | ctypes.c_ulong | ctypes.Array[ctypes.c_char] | None,
    may_answer: bool = False,
) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    status = libc[name](*arguments)
    if status < 0 or (status != 0 and not may_answer):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(status)
