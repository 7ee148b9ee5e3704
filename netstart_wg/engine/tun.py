"""The TUN device: opened with a virtio-net header and offloads where the kernel grants them.

Linux, Documentation/networking/tuntap.rst and include/uapi/linux/if_tun.h.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.errors import BackendError, PermissionDeniedError

TUN_DEVICE = "/dev/net/tun"

_TUNSETIFF = 0x400454CA
_TUNSETOFFLOAD = 0x400454D0
_TUNGETIFF = 0x800454D2
_TUNGETDEVNETNS = 0x54E3

_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_IFF_VNET_HDR = 0x4000
_IFF_TUN_EXCL = 0x8000

_TUN_F_CSUM = 0x01
_TUN_F_TSO = 0x02 | 0x04 | 0x08
"""TSO4, TSO6, TSO_ECN."""
_TUN_F_USO = 0x20 | 0x40
"""USO4, USO6: Linux 6.2 and newer."""

_IFREQ_FLAGS = struct.Struct("16sH14x")
_VIRTIO_NET_HEADER = struct.Struct("=BBHHHH")
_READ_SIZE = _VIRTIO_NET_HEADER.size + 65535 + 40
_PLAIN = VirtioNetHeader()


class TunGoneError(Exception):
    """The interface was deleted under us."""


class Tun:
    """An open TUN device, made by us; it vanishes when it is closed.  A `TunEnd`."""

    def __init__(self, name: str) -> None:
        """Create the interface.

        Raise PermissionDeniedError without the right to, BackendError when there
        is no /dev/net/tun or an interface of that name exists.
        """
        self.name = name
        self.descriptor = _open(name)
        try:
            self._has_header = _create(self.descriptor, name)
            self._granted = self._negotiate()
        except BaseException:
            os.close(self.descriptor)
            raise
        self.takes_tcp_super_packets = "tun-tso" in self._granted
        self.takes_udp_super_packets = "tun-uso" in self._granted
        self._header = bytearray(_VIRTIO_NET_HEADER.size)
        self._buffer = bytearray(_READ_SIZE)
        self._view = memoryview(self._buffer)

    def _negotiate(self) -> tuple[str, ...]:
        """Ask for as much offload as the kernel has; return what it granted, by name."""
        if not self._has_header:
            return ()
        for bits, names in (
            (_TUN_F_CSUM | _TUN_F_TSO | _TUN_F_USO, ("tun-csum", "tun-tso", "tun-uso")),
            (_TUN_F_CSUM | _TUN_F_TSO, ("tun-csum", "tun-tso")),
            (_TUN_F_CSUM, ("tun-csum",)),
        ):
            try:
                fcntl.ioctl(self.descriptor, _TUNSETOFFLOAD, bits)
            except OSError:
                continue
            return names
        return ()

    @property
    def offloads(self) -> tuple[str, ...]:
        """What the kernel granted and has not refused since, by name."""
        refused = {
            name
            for name, takes in (
                ("tun-tso", self.takes_tcp_super_packets),
                ("tun-uso", self.takes_udp_super_packets),
            )
            if not takes
        }
        return tuple(name for name in self._granted if name not in refused)

    def close(self) -> None:
        """Delete the interface."""
        os.close(self.descriptor)

    def namespace(self) -> int:
        """Return a descriptor of the network namespace that the interface is in now.

        Raise TunGoneError when it was deleted, OSError where the kernel does not tell.
        """
        with _gone_or_refused():
            descriptor: int = fcntl.ioctl(self.descriptor, _TUNGETDEVNETNS, 0)
        return descriptor

    def interface(self) -> str:
        """Return the name that the interface has now; raise TunGoneError when it was deleted."""
        with _gone_or_refused():
            answer = fcntl.ioctl(self.descriptor, _TUNGETIFF, bytes(_IFREQ_FLAGS.size))
        name: bytes = _IFREQ_FLAGS.unpack(answer)[0]
        return os.fsdecode(name.rstrip(b"\0"))

    def read(self) -> tuple[VirtioNetHeader, memoryview] | None:
        """See `TunEnd`; raise TunGoneError when the interface is gone."""
        try:
            if not self._has_header:
                length = os.readv(self.descriptor, [self._buffer])
                return _PLAIN, self._view[:length]
            length = os.readv(self.descriptor, [self._header, self._buffer])
        except OSError as error:
            if error.errno == errno.EBADFD:
                raise TunGoneError from None
            return None
        header = VirtioNetHeader._make(_VIRTIO_NET_HEADER.unpack(self._header))
        return header, self._view[: max(0, length - len(self._header))]

    def write(self, header: VirtioNetHeader, parts: Sequence[Buffer]) -> None:
        """See `TunEnd`; raise TunGoneError when the interface is gone."""
        try:
            if self._has_header:
                os.writev(self.descriptor, [_VIRTIO_NET_HEADER.pack(*header), *parts])
            else:
                os.writev(self.descriptor, parts)
        except OSError as error:
            if error.errno == errno.EBADFD:
                raise TunGoneError from None
            raise


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
        hint = "; is the tun module loaded?" if error.errno in (errno.ENOENT, errno.ENODEV) else ""
        reason = f"{TUN_DEVICE}: {error.strerror}{hint}"
        raise BackendError("open", name, reason, error.errno or 0) from None


def _create(descriptor: int, name: str) -> bool:
    """Make the interface; return whether packets come with a virtio-net header."""
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
            reason = (
                "it exists already" if error.errno == errno.EBUSY else os.strerror(error.errno or 0)
            )
            raise BackendError("create", name, reason, error.errno or 0) from None
        return bool(extra)
    raise AssertionError("unreachable")
