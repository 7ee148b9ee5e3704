"""Namespaces that we made as rdomains: known by a mark, and removed when nobody is in them.

The mark is a file of the run directory, so it is gone when the namespace is: at a
reboot.  It has the cookie of the namespace, a number that the kernel gives to one
and never again, so that one which somebody else has put in the place of ours is
not taken for it.  A kernel that gives none (before Linux 5.14) has all stay.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from netstart_wg.system.paths import rdomain_mark_path
from netstart_wg.system.records import read_text, replace_text

_SO_NETNS_COOKIE: Final = 71
"""linux asm-generic/socket.h."""
_COOKIE: Final = struct.Struct("=Q")

_MOUNT: Final = re.compile(r"(?:\S+ ){3}net:\[(\d+)\] (\S+) ")
"""A network namespace in /proc/PID/mountinfo (proc(5)): its inode, and where it is mounted."""


def mark(rdomain: int) -> None:
    """Note that the namespace which the thread is in is ours; raise BackendError."""
    text = " ".join([str(_cookie()), *_interfaces()])
    replace_text("mark", f"rdomain {rdomain}", rdomain_mark_path(rdomain), text)


def unmark(rdomain: int) -> None:
    """Forget a namespace of ours."""
    rdomain_mark_path(rdomain).unlink(missing_ok=True)


def is_marked(rdomain: int) -> bool:
    """Say whether there is a mark at all; it may be of a namespace that is no more."""
    return rdomain_mark_path(rdomain).exists()


def is_ours_and_bare(rdomain: int) -> bool:
    """Say whether the namespace which the thread is in is the one marked, and as it was made.

    Linux gives a new one more interfaces than its loopback if modules say so.
    """
    marked, *interfaces = (read_text(rdomain_mark_path(rdomain)) or "none").split() or ["none"]
    cookie = _cookie()
    return cookie is not None and marked == str(cookie) and _interfaces() <= set(interfaces)


def has_another_name(inode: int, path: Path) -> bool:
    """Say whether a namespace is mounted anywhere but there, as far as we can see."""
    names = {str(path), f"/var{path}"}
    text = Path("/proc/thread-self/mountinfo").read_text(encoding="utf-8", errors="replace")
    found = (match for line in text.splitlines() if (match := _MOUNT.match(line)))
    return any(match[1] == str(inode) and match[2] not in names for match in found)


def has_process(inode: int) -> bool:
    """Say whether a thread is in a namespace.

    One that we may not look at has rights that nobody has whom we let in.
    """
    for path in _tasks():
        with suppress(OSError):  # also if it has just ended
            if (path / "ns/net").stat().st_ino == inode:
                return True
    return False


def _tasks() -> Iterator[Path]:
    own = os.getpid()
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != own:
            with suppress(OSError):
                yield from (process / "task").iterdir()


def _cookie() -> int | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        try:
            octets = any_socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, _COOKIE.size)
        except OSError:
            return None
    (cookie,) = _COOKIE.unpack(octets)
    return int(cookie)


def _interfaces() -> set[str]:
    return {name for _, name in socket.if_nameindex()}
