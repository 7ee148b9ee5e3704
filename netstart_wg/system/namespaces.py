"""Network namespaces: those that are rdomains, and working in one of them for a while.

rdomain N is the namespace named `rdomainN`, mounted where ip-netns(8) mounts
them, so that its tools know it too.  rdomain 0 is the namespace that the process
was started in.  What is entered is entered by the calling thread alone.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

NAMESPACE_FOLDER: Final = Path("/run/netns")
"""ip-netns(8)."""

_OWN: Final = Path("/proc/thread-self/ns/net")
_NAME = re.compile(r"rdomain([1-9][0-9]{0,2})")

_CLONE_NEWNET = 0x40000000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_SHARED = 1 << 20

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_IFREQ_FLAGS = struct.Struct("16sH14x")


def rdomain_path(rdomain: int) -> Path:
    """Return the file that stands for an rdomain; it need not exist."""
    return NAMESPACE_FOLDER / f"rdomain{rdomain}" if rdomain else _OWN


def open_rdomain(rdomain: int) -> int:
    """Return a descriptor of an rdomain's namespace; raise OSError, ENOENT if there is none."""
    return os.open(rdomain_path(rdomain), os.O_RDONLY | os.O_CLOEXEC)


def rdomain_of(inode: int) -> int | None:
    """Return the rdomain whose namespace has this inode; None if no rdomain has."""
    if _OWN.stat().st_ino == inode:
        return 0
    for rdomain in rdomains():
        try:
            if rdomain_path(rdomain).stat().st_ino == inode:
                return rdomain
        except OSError:  # it went just now
            continue
    return None


def rdomains() -> tuple[int, ...]:
    """Return the numbers of the rdomains that exist, sorted, without 0."""
    try:
        names = [path.name for path in NAMESPACE_FOLDER.iterdir()]
    except OSError:
        return ()
    return tuple(sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name))))


def enter(namespace: int) -> None:
    """Move the calling thread to the namespace of that descriptor; raise OSError."""
    _call("setns", namespace, _CLONE_NEWNET)


@contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Work in the namespace of that descriptor, then go back; raise OSError."""
    own = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(namespace)
        try:
            yield
        finally:
            enter(own)
    finally:
        os.close(own)


@contextmanager
def inside_rdomain(rdomain: int) -> Iterator[None]:
    """Work in an rdomain, then go back; raise OSError, ENOENT if there is no such rdomain."""
    if rdomain == 0:
        yield
        return
    namespace = open_rdomain(rdomain)
    try:
        with inside(namespace):
            yield
    finally:
        os.close(namespace)


def make_rdomain(rdomain: int) -> None:
    """Make the namespace of an rdomain if there is none, its loopback up; raise OSError."""
    path = rdomain_path(rdomain)
    if rdomain == 0 or _is_namespace(path):
        return
    _share_folder()
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o444))
    own = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("unshare", _CLONE_NEWNET)
        try:
            _call("mount", os.fsencode(_OWN), os.fsencode(path), b"none", _MS_BIND, None)
            _bring_up_loopback()
        finally:
            enter(own)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(own)


def _is_namespace(path: Path) -> bool:
    """Say whether a namespace is mounted there; a bare file is what an accident left."""
    try:
        return path.stat().st_dev == _OWN.stat().st_dev
    except FileNotFoundError:
        return False


def _share_folder() -> None:
    """Make the folder a shared mount, as ip-netns(8) does: each mount namespace sees what comes."""
    NAMESPACE_FOLDER.mkdir(mode=0o755, exist_ok=True)
    folder = os.fsencode(NAMESPACE_FOLDER)
    try:
        _call("mount", b"", folder, b"none", _MS_SHARED | _MS_REC, None)
    except OSError:  # EINVAL: it is no mount point yet
        _call("mount", folder, folder, b"none", _MS_BIND | _MS_REC, None)
        _call("mount", b"", folder, b"none", _MS_SHARED | _MS_REC, None)


def _bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, _IFREQ_FLAGS.pack(b"lo", 0))
        name, flags = _IFREQ_FLAGS.unpack(answer)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ_FLAGS.pack(name, flags | _IFF_UP))


def _call(name: str, *arguments: int | bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc[name](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
