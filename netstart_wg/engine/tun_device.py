"""The TUN device as the kernel has it: made, or handed in, and what can be asked of it.

Nothing here moves packets (`tun.py` does), so that who only asks where the
interface is loads no data path.  Linux, Documentation/networking/tuntap.rst and
include/uapi/linux/if_tun.h.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import struct
from collections.abc import Iterator
from typing import Final, Self

from netstart_wg.errors import BackendError, PermissionDeniedError

TUN_DEVICE: Final = "/dev/net/tun"

_TUNSETIFF = 0x400454CA
_TUNGETIFF = 0x800454D2
_TUNSETVNETHDRSZ = 0x400454D8
_TUNGETDEVNETNS = 0x54E3

_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_IFF_VNET_HDR = 0x4000
_IFF_TUN_EXCL = 0x8000

_IFREQ_FLAGS = struct.Struct("16sH14x")
_HEADER_SIZE = struct.pack("=i", 10)
"""Of the virtio-net header without the count of buffers."""


_NO_DEVICE_HINT = "\n    hint: `modprobe tun`; a container is given the device by its host"


class TunGoneError(Exception):
    """The interface was deleted under us."""


class TunDevice:
    """A descriptor of a TUN device that has an interface."""

    def __init__(self, descriptor: int) -> None:
        """Take a descriptor, which stays its giver's to close if anything is raised.

        Raise OSError if it is of no TUN device, TunGoneError if that has no interface.
        """
        self.descriptor = descriptor
        with _gone_or_refused():
            flags, _ = self._interface()
        self.is_tun = bool(flags & _IFF_TUN and flags & _IFF_NO_PI)
        """Whether it carries bare IP packets: no frames (TAP), no packet information."""
        self.has_header = bool(flags & _IFF_VNET_HDR)
        """Whether packets come with a virtio-net header."""

    @classmethod
    def create(cls, name: str) -> Self:
        """Create the interface; it vanishes when the device is closed.

        Raise PermissionDeniedError without the right to, BackendError when there
        is no /dev/net/tun or an interface of that name exists.
        """
        descriptor = _open(name)
        try:
            _create(descriptor, name)
            return cls(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    @classmethod
    def adopt(cls, descriptor: int) -> Self:
        """Take over one that was made by somebody else.

        Raise ValueError, OSError or TunGoneError; then it stays its giver's to close.
        Whether there is a virtio-net header was for its maker to choose.
        """
        device = cls(descriptor)
        if not device.is_tun:
            raise ValueError("it was not made with IFF_TUN and IFF_NO_PI")
        os.set_blocking(descriptor, False)
        os.set_inheritable(descriptor, False)
        if device.has_header:
            fcntl.ioctl(descriptor, _TUNSETVNETHDRSZ, _HEADER_SIZE)
        return device

    def close(self) -> None:
        """Delete the interface, unless it is persistent."""
        os.close(self.descriptor)

    def namespace(self) -> int:
        """Return a descriptor of the network namespace that the interface is in now.

        Raise TunGoneError when it was deleted; OSError where the kernel does not
        tell (Linux before 5.2), or not us (without CAP_NET_ADMIN).
        """
        with _gone_or_refused():
            descriptor: int = fcntl.ioctl(self.descriptor, _TUNGETDEVNETNS, 0)
        return descriptor

    def interface(self) -> str:
        """Return the name that the interface has now; raise TunGoneError when it was deleted."""
        with _gone_or_refused():
            return self._interface()[1]

    def is_up(self) -> bool:
        """Say whether the interface is up, wherever it is; this needs no right to look there.

        The kernel lets nobody write into one that is down.
        """
        poll = select.poll()
        poll.register(self.descriptor, select.POLLOUT)
        return any(events & select.POLLOUT for _, events in poll.poll(0))

    def _interface(self) -> tuple[int, str]:
        """Return flags and name."""
        answer = fcntl.ioctl(self.descriptor, _TUNGETIFF, bytes(_IFREQ_FLAGS.size))
        name, flags = _IFREQ_FLAGS.unpack(answer)
        return flags, os.fsdecode(name.rstrip(b"\0"))


@contextlib.contextmanager
def _gone_or_refused() -> Iterator[None]:
    """Raise TunGoneError for what the kernel says of a TUN without an interface."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EBADFD:
            raise TunGoneError from None
        raise


def _open(name: str) -> int:
    try:
        return os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise PermissionDeniedError(
            f"{name}: cannot open {TUN_DEVICE}: permission denied"
        ) from None
    except OSError as error:
        is_missing = error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO)
        reason = f"{TUN_DEVICE}: {error.strerror}{_NO_DEVICE_HINT if is_missing else ''}"
        raise BackendError("open", name, reason, error.errno or 0) from None


def _create(descriptor: int, name: str) -> None:
    """Make the interface, with a virtio-net header where the kernel has one."""
    flags = _IFF_TUN | _IFF_NO_PI | _IFF_TUN_EXCL
    for extra in (_IFF_VNET_HDR, 0):
        try:
            request = _IFREQ_FLAGS.pack(name.encode(), flags | extra)
            fcntl.ioctl(descriptor, _TUNSETIFF, request)
        except OSError as error:
            if error.errno == errno.EINVAL and extra:
                continue
            if error.errno == errno.EPERM:
                raise PermissionDeniedError(
                    f"{name}: cannot create the interface: not root"
                ) from None
            reason = os.strerror(error.errno or 0)
            if error.errno == errno.EBUSY:
                reason = "it exists already"
            elif error.errno == errno.ENOTTY:
                reason = f"{TUN_DEVICE} is something else{_NO_DEVICE_HINT}"
            raise BackendError("create", name, reason, error.errno or 0) from None
        return
    raise AssertionError("unreachable")
