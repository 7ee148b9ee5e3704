"""Word of files that vanish from a folder, by inotify(7).

The standard library has no inotify; three calls of libc are enough here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

_IN_NONBLOCK = os.O_NONBLOCK
_IN_CLOEXEC = os.O_CLOEXEC
_IN_MOVED_FROM = 0x40
_IN_DELETE = 0x200
_IN_DELETE_SELF = 0x400


class RemovalWatch:
    """A descriptor that becomes readable when a file vanishes from a folder."""

    def __init__(self, folder: Path) -> None:
        """Watch `folder`; raise OSError."""
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        mask = _IN_MOVED_FROM | _IN_DELETE | _IN_DELETE_SELF
        if libc.inotify_add_watch(self.descriptor, os.fsencode(folder), mask) < 0:
            error = ctypes.get_errno()
            self.close()
            raise OSError(error, "inotify_add_watch")

    def drain(self) -> None:
        """Forget the news: whoever was woken looks for himself."""
        with contextlib.suppress(OSError):
            os.read(self.descriptor, 65536)

    def close(self) -> None:
        """Stop watching."""
        os.close(self.descriptor)
