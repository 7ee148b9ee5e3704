"""Network namespaces: those that are rdomains, and working in one of them for a while.

rdomain N is the namespace named `rdomainN`, mounted where ip-netns(8) mounts
them, so that its tools know it too.  It may be another name of one that somebody
else has made.  rdomain 0 is the namespace that the process was started in, and so is one
that is a VRF device there (`vrfs.py`): to be in it takes more than to enter.  What
is entered is entered by the calling thread alone.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from netstart_wg.system import libc, own_rdomains

NAMESPACE_FOLDER: Final = Path("/run/netns")
"""ip-netns(8)."""

_OWN: Final = Path("/proc/thread-self/ns/net")
_NAME = re.compile(r"rdomain([1-9][0-9]{0,2})")

_NS_GET_NSTYPE = 0xB703
"""ioctl_ns(2)."""

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_IFREQ_FLAGS = struct.Struct("16sH14x")


def rdomain_path(rdomain: int) -> Path:
    """Return the file that stands for an rdomain; it need not exist."""
    return NAMESPACE_FOLDER / f"rdomain{rdomain}" if rdomain else _OWN


def is_rdomain(rdomain: int) -> bool:
    """Say whether there is an rdomain of that number; a bare file is what an accident left."""
    return rdomain == 0 or _is_namespace(rdomain) or vrf_index(rdomain) is not None


def vrf_index(rdomain: int) -> int | None:
    """Return the index of the device that is an rdomain's VRF; None if that is none.

    For a thread in rdomain 0.
    """
    if rdomain == 0 or _is_namespace(rdomain):
        return None
    try:
        return socket.if_nametoindex(f"rdomain{rdomain}")
    except OSError:
        return None


def namespace_around(rdomain: int) -> int | None:
    """Return the inode of the namespace that an rdomain is, or is in; None if there is none."""
    return namespace_of(rdomain if vrf_index(rdomain) is None else 0)


def identity_of(rdomain: int) -> int | None:
    """Return a number of 64 bits that another rdomain of that number would not have.

    That of a namespace is its inode.  None if there is no such rdomain.
    """
    inode = namespace_around(rdomain)
    return None if inode is None else identity(inode, vrf_index(rdomain) or 0)


def identity(namespace: int, vrf: int) -> int:
    """Put an inode, and the index of a VRF or 0, into one number."""
    return vrf << 32 | namespace


def rdomains() -> tuple[int, ...]:
    """Return the numbers of the rdomains that are namespaces, sorted, without 0."""
    try:
        names = [path.name for path in NAMESPACE_FOLDER.iterdir()]
    except OSError:
        return ()
    numbers = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
    return tuple(number for number in numbers if _is_namespace(number))


def rdomain_of(inode: int) -> int | None:
    """Return the rdomain whose namespace has this inode; None if no rdomain has."""
    return next((each for each in (0, *rdomains()) if namespace_of(each) == inode), None)


def namespace_of(rdomain: int) -> int | None:
    """Return the inode of an rdomain's namespace; None if there is no such rdomain."""
    return _inode(rdomain_path(rdomain))


def open_rdomain(rdomain: int) -> int:
    """Return a descriptor of an rdomain's namespace; raise OSError, ENOENT if there is none."""
    path = _OWN if vrf_index(rdomain) is not None else rdomain_path(rdomain)
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def enter(namespace: int) -> None:
    """Move the calling thread to the namespace of that descriptor; raise OSError."""
    libc.setns(namespace, libc.CLONE_NEWNET)


@contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Work in the namespace of that descriptor, then go back; raise OSError."""
    with _coming_back():
        enter(namespace)
        yield


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
    """Make the namespace of an rdomain if there is none, its loopback up; raise OSError.

    Of those who want the same one at once, one makes it and the others find it.
    It appears when it is complete.  A namespace of another kind that has its name
    is left alone: EEXIST.
    """
    if _is_namespace(rdomain):
        return
    NAMESPACE_FOLDER.mkdir(mode=0o755, exist_ok=True)
    with _locked_folder():
        if not _is_namespace(rdomain):
            path = rdomain_path(rdomain)
            if _kind_of_namespace(path) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
            _share_folder()
            _mount_new_namespace(rdomain, path)


def remove_rdomain(rdomain: int) -> bool:
    """Remove a namespace that we made if nobody is in it; say whether it was removed.

    It has no interface but those that it came with, no process, and no other name.
    Raise OSError.
    """
    if rdomain == 0 or not own_rdomains.is_marked(rdomain):
        return False
    with _locked_folder():
        path, inode = rdomain_path(rdomain), namespace_of(rdomain)
        if inode is None:
            own_rdomains.unmark(rdomain)
            return False
        with inside_rdomain(rdomain):
            if not own_rdomains.is_ours_and_bare(rdomain):
                return False
        if own_rdomains.has_another_name(inode, path) or own_rdomains.has_process(inode):
            return False
        libc.unmount(path, libc.MNT_DETACH | libc.UMOUNT_NOFOLLOW)
        path.unlink(missing_ok=True)
        own_rdomains.unmark(rdomain)
        return True


def name_rdomain(rdomain: int, name: str) -> None:
    """Make the namespace of that name an rdomain, which needs no other; raise OSError.

    FileExistsError says what `obstacle_to_name` does.  Its loopback is its owner's.
    """
    with _locked_folder():
        if (obstacle := obstacle_to_name(rdomain, name)) is not None:
            raise FileExistsError(errno.EEXIST, obstacle)
        if not _is_namespace(rdomain):
            _share_folder()
            _mount(NAMESPACE_FOLDER / name, rdomain_path(rdomain))


def obstacle_to_name(rdomain: int, name: str) -> str | None:
    """Return why the namespace of that name cannot be an rdomain, with a hint; None if it can."""
    namespace = _inode(NAMESPACE_FOLDER / name)
    if namespace is None:
        return f'there is no namespace "{name}"\n    hint: `ip netns add {name}` makes it'
    if namespace == namespace_of(0):
        return f'the namespace "{name}" is the one that netstart-wg runs in: that is rdomain 0'
    path = rdomain_path(rdomain)
    if _kind_of_namespace(path) is not None and _inode(path) != namespace:
        return (
            f'{path} is there, and is not the namespace "{name}"'
            f"\n    hint: `ip netns delete {path.name}` makes room, and ends what is in it"
        )
    other = rdomain_of(namespace)
    if other not in (None, rdomain):
        return (
            f'the namespace "{name}" is rdomain {other} already'
            f"\n    hint: `ip netns delete rdomain{other}` takes that name away"
        )
    return None


def is_called(rdomain: int, name: str) -> bool:
    """Say whether an rdomain is the namespace of that name."""
    namespace = namespace_of(rdomain)
    return namespace is not None and namespace == _inode(NAMESPACE_FOLDER / name)


def _is_namespace(rdomain: int) -> bool:
    return _kind_of_namespace(rdomain_path(rdomain)) == libc.CLONE_NEWNET


def _inode(path: Path) -> int | None:
    """Return the inode of the network namespace on this file; None if none is there."""
    if _kind_of_namespace(path) != libc.CLONE_NEWNET:
        return None
    try:
        return path.stat().st_ino
    except OSError:  # it went just now
        return None


def _kind_of_namespace(path: Path) -> int | None:
    """Return CLONE_NEWNET or whatever else the namespace on this file is; None if none is there."""
    try:
        if path.stat().st_dev != _OWN.stat().st_dev:
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return fcntl.ioctl(descriptor, _NS_GET_NSTYPE)
        finally:
            os.close(descriptor)
    except OSError:
        return None


@contextmanager
def _coming_back() -> Iterator[None]:
    """Return to the namespace that the calling thread is in now, whatever it enters meanwhile."""
    own = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            yield
        finally:
            enter(own)
    finally:
        os.close(own)


@contextmanager
def _locked_folder() -> Iterator[None]:
    """Keep other makers of namespaces away; ip-netns(8) takes the same lock."""
    folder = os.open(NAMESPACE_FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _share_folder() -> None:
    """Make the folder a shared mount, as ip-netns(8) does: each mount namespace sees what comes."""
    try:
        libc.mount(None, NAMESPACE_FOLDER, "none", libc.MS_SHARED | libc.MS_REC)
    except OSError:  # EINVAL: it is no mount point yet
        libc.mount(NAMESPACE_FOLDER, NAMESPACE_FOLDER, "none", libc.MS_BIND | libc.MS_REC)
        libc.mount(None, NAMESPACE_FOLDER, "none", libc.MS_SHARED | libc.MS_REC)


def _mount_new_namespace(rdomain: int, path: Path) -> None:
    """Make a namespace and mount it on the file; without success there is no file either."""
    with _coming_back():
        libc.unshare(libc.CLONE_NEWNET)
        _bring_up_loopback()
        own_rdomains.mark(rdomain)
        _mount(_OWN, path)


def _mount(namespace: Path, path: Path) -> None:
    """Mount a namespace on the file; without success there is no file either."""
    flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    os.close(os.open(path, flags, 0o444))
    try:
        libc.mount(namespace, path, "none", libc.MS_BIND)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, _IFREQ_FLAGS.pack(b"lo", 0))
        name, flags = _IFREQ_FLAGS.unpack(answer)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ_FLAGS.pack(name, flags | _IFF_UP))
