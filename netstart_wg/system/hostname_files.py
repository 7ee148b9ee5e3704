"""Find the hostname files and see to their permissions, as OpenBSD's netstart(8) does.

Also of netstart-wg.toml beside them, which has no secrets: all may read it.

A name is letters followed by digits and nothing else, so `hostname.wg0.bak`
and `hostname.wg0~` are nobody's.  A file that others may read, or that is not
root's, is mended with a warning and then used: never refused.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netstart_wg.errors import UsageError
from netstart_wg.system.netlink import NAME_LIMIT

_INTERFACE_NAME = re.compile(r"[A-Za-z]+[0-9]+")
_WIREGUARD_FILE = re.compile(r"hostname\.wg[0-9]+")
_PREFIX = "hostname."


@dataclass(frozen=True, slots=True)
class HostnamePath:
    """A hostname file and the interface it is about."""

    interface: str
    path: Path


def is_interface_name(text: str) -> bool:
    """Say whether a hostname file can be about an interface of this name."""
    return len(text) <= NAME_LIMIT and _INTERFACE_NAME.fullmatch(text) is not None


def interface_of(path: Path) -> str | None:
    """Return the interface that a file is about, or None if it is not named hostname.IF."""
    if not path.name.startswith(_PREFIX):
        return None
    name = path.name.removeprefix(_PREFIX)
    return name if is_interface_name(name) else None


def find(folder: Path) -> tuple[HostnamePath, ...]:
    """Return every hostname.wgN of the folder in the shell's order: wg0, wg1, wg10, wg2.

    Raise OSError if the folder cannot be read.
    """
    entries = sorted(path.name for path in folder.iterdir())
    names = [entry.removeprefix(_PREFIX) for entry in entries if _WIREGUARD_FILE.fullmatch(entry)]
    return tuple(_place(folder, name) for name in names if is_interface_name(name))


def check_names(interfaces: Sequence[str]) -> None:
    """Raise UsageError for what is no interface's name, and for a name given twice."""
    for index, interface in enumerate(interfaces):
        if not is_interface_name(interface):
            raise UsageError(f'"{interface}" is neither a command nor an interface')
        if interface in interfaces[:index]:
            raise UsageError(f'duplicate interface "{interface}"')


def name_files(folder: Path, interfaces: Sequence[str]) -> tuple[HostnamePath, ...]:
    """Return the hostname files of these interfaces in this order, whether they exist or not.

    Raise UsageError for what is no interface's name, and for a name given twice.
    """
    check_names(interfaces)
    return tuple(_place(folder, interface) for interface in interfaces)


def is_insecure(path: Path, *, may_be_read: bool = False) -> bool:
    """Say whether others may do anything with the file, or it is not root's; follow links.

    A file without secrets may be read.

    The group's bits are free.  What is no regular file is none of ours to mend:
    on OpenBSD, a link to /dev/null would cost everybody their /dev/null.  Raise
    OSError if there is no such file.
    """
    return _is_insecure(path.stat(), _forbidden(may_be_read))


def fix_permissions(path: Path, *, may_be_read: bool = False) -> None:
    """Take away the others' bits and give an insecure file to root; raise OSError."""
    forbidden = _forbidden(may_be_read)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        if _is_insecure(status, forbidden):
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & ~forbidden)
            os.fchown(descriptor, 0, 0)
    finally:
        os.close(descriptor)


def _forbidden(may_be_read: bool) -> int:
    """Return what others must not be allowed, in the bits of chmod(2)."""
    return stat.S_IWOTH if may_be_read else stat.S_IRWXO


def _is_insecure(status: os.stat_result, forbidden: int) -> bool:
    is_open_to_others = bool(status.st_mode & forbidden)
    is_roots = status.st_uid == 0 and status.st_gid == 0
    return stat.S_ISREG(status.st_mode) and (is_open_to_others or not is_roots)


def _place(folder: Path, interface: str) -> HostnamePath:
    return HostnamePath(interface, folder / f"{_PREFIX}{interface}")
