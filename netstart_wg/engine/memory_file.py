"""Text in a file that is nowhere but in memory: memfd_create(2).

It has no name, so nobody opens it who has no descriptor of it, or is root and looks
into a process that has.  Once it is sealed nobody changes it any more, neither.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import Final

_READ_OCTETS = 1 << 20
_MAP_POPULATE: Final = 0x8000
_KEPT_WHOLE: Final = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class MemoryFile:
    """One that is being written."""

    def __init__(self, name: str) -> None:
        """Make it; the name is for ps(1) and the like.  Raise OSError."""
        self.descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)

    def write(self, text: str) -> None:
        """Add text; raise OSError."""
        octets = memoryview(text.encode())
        while octets:
            octets = octets[os.write(self.descriptor, octets) :]

    def seal(self, *, can_be_emptied: bool = False) -> None:
        """Let nobody change it any more, unless it is to empty it; raise OSError."""
        shrink = 0 if can_be_emptied else fcntl.F_SEAL_SHRINK
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _KEPT_WHOLE | shrink)

    def resident(self) -> mmap.mmap:
        """Return what keeps it out of the swap, if memory is locked, until that is closed."""
        flags = mmap.MAP_SHARED | _MAP_POPULATE
        return mmap.mmap(self.descriptor, 0, flags=flags, prot=mmap.PROT_READ)

    def close(self) -> None:
        """Let go of it; it is there as long as anybody else has it."""
        os.close(self.descriptor)


def read(descriptor: int) -> str:
    """Return the text of one; raise OSError or UnicodeDecodeError."""
    octets = bytearray()
    while piece := os.pread(descriptor, _READ_OCTETS, len(octets)):
        octets += piece
    try:
        return octets.decode()
    finally:
        octets[:] = bytes(len(octets))


def take(descriptor: int) -> str:
    """Return the text, which nobody can read after us: neither from here nor from a copy.

    Raise OSError if that cannot be had.
    """
    text = read(descriptor)
    os.ftruncate(descriptor, 0)
    return text
