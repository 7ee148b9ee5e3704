"""Calls of libc about namespaces and mounts: Python has them from 3.12 on, or not at all.

Each raises OSError, and concerns the calling thread alone.
"""

from __future__ import annotations

import ctypes
import os
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
"""mount(2)."""


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


def _call(name: str, *arguments: int | bytes | ctypes.c_ulong | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc[name](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
