"""The network interface in front of the TUN: where it is, is it up, its MTU, and word of changes.

Only what the engine itself must know.  Everything an administrator configures is
netstart-wg's business; loading its netlink library here would double the
engine's memory.

Which interface it is, the TUN says: one of the same name may be another.  Where
it is not in our own network namespace, its namespace is entered for the moment
of each call.  No socket stays there, which would keep the namespace alive, and
with it the interface, when everybody else has left.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netstart_wg.engine.tun_device import TunDevice
from netstart_wg.system.namespaces import inside

_OWN_NAMESPACE = Path("/proc/thread-self/ns/net")

_SIOCGIFFLAGS = 0x8913
_SIOCGIFMTU = 0x8921
_SIOCSIFMTU = 0x8922
_IFREQ_INT = struct.Struct("16si12x")
_IFREQ_FLAGS = struct.Struct("16sH14x")
_IFF_UP = 1
_IFF_DEBUG = 4

_RTMGRP_LINK = 1
_RTM_SETLINK = 19
_NLM_F_REQUEST = 1
_IFLA_GSO_MAX_SIZE = 41
_NLMSGHDR = struct.Struct("=IHHII")
_IFINFOMSG = struct.Struct("=BxHiII")
_RTATTR_U32 = struct.Struct("=HHI")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """What the engine follows."""

    namespace: int
    """Inode of the network namespace that it is in; 0 if we may not know."""
    is_elsewhere: bool
    """Whether that is another one than ours: no event tells of changes there."""
    is_up: bool
    is_debug: bool
    """IFF_DEBUG."""
    mtu: int | None
    """Bytes; None if we may not know."""


class LinkEvents:
    """Word of changes of the interfaces in our own network namespace."""

    def __init__(self) -> None:
        """Listen; raise OSError."""
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
            socket.NETLINK_ROUTE,
        )
        self._socket.bind((0, _RTMGRP_LINK))

    @property
    def descriptor(self) -> int:
        """Readable when some interface changed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hear no more of it."""
        self._socket.close()

    def drain(self) -> None:
        """Forget the news: whoever was woken looks for himself."""
        while True:
            try:
                self._socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:  # ENOBUFS: some news were lost; that there were any is enough
                continue


class Link:
    """The interface of a TUN."""

    def __init__(self, device: TunDevice) -> None:
        """Take a device; raise OSError."""
        self._device = device
        self._own_namespace = _OWN_NAMESPACE.stat().st_ino

    def look(self) -> LinkState | None:
        """Return how the interface is, None if that is not to be had now; raise TunGoneError.

        Without the right to look where it is, the device alone says what it knows.
        """
        try:
            with self._beside() as namespace, _datagram_socket() as any_socket:
                request = _IFREQ_INT.pack(os.fsencode(self._device.interface()), 0)
                _, flags = _IFREQ_FLAGS.unpack(fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))
                _, mtu = _IFREQ_INT.unpack(fcntl.ioctl(any_socket, _SIOCGIFMTU, request))
        except OSError as error:
            if error.errno == errno.EPERM or self._is_out_of_sight(error):
                return self._from_afar()
            return None
        return LinkState(
            namespace=namespace,
            is_elsewhere=namespace != self._own_namespace,
            is_up=bool(flags & _IFF_UP),
            is_debug=bool(flags & _IFF_DEBUG),
            mtu=mtu,
        )

    def _is_out_of_sight(self, error: OSError) -> bool:
        """Say whether it is not here, where we took it to be for not being told."""
        if error.errno != errno.ENODEV:
            return False
        namespace = self._namespace()
        if namespace is not None:  # it was given another name, or moved, just now
            os.close(namespace)
        return namespace is None

    def _from_afar(self) -> LinkState:
        is_up = self._device.is_up()
        return LinkState(namespace=0, is_elsewhere=True, is_up=is_up, is_debug=False, mtu=None)

    def set_mtu(self, mtu: int) -> None:
        """Set the MTU in bytes; raise OSError or TunGoneError."""
        with self._beside(), _datagram_socket() as any_socket:
            request = _IFREQ_INT.pack(os.fsencode(self._device.interface()), mtu)
            fcntl.ioctl(any_socket, _SIOCSIFMTU, request)

    def limit_super_packets(self, octets: int) -> None:
        """Ask the kernel for super-packets of at most so many octets; a refusal does no harm.

        A whole 64 KiB would be cut into one full UDP_SEGMENT send and a scrap.
        Raise TunGoneError.
        """
        attribute = _RTATTR_U32.pack(8, _IFLA_GSO_MAX_SIZE, octets)
        with contextlib.suppress(OSError), self._beside():
            index = socket.if_nametoindex(self._device.interface())
            body = _IFINFOMSG.pack(socket.AF_UNSPEC, 0, index, 0, 0) + attribute
            header = _NLMSGHDR.pack(16 + len(body), _RTM_SETLINK, _NLM_F_REQUEST, 1, 0)
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
                netlink.send(header + body)

    @contextlib.contextmanager
    def _beside(self) -> Iterator[int]:
        """Work in the network namespace that the interface is in; give its inode.

        Where the kernel does not tell (Linux before 5.2), that is taken to be ours.
        """
        namespace = self._namespace()
        if namespace is None:
            yield self._own_namespace
            return
        try:
            inode = os.fstat(namespace).st_ino
            with contextlib.nullcontext() if inode == self._own_namespace else inside(namespace):
                yield inode
        finally:
            os.close(namespace)

    def _namespace(self) -> int | None:
        """Return a descriptor of it, or None where the kernel does not tell."""
        try:
            return self._device.namespace()
        except OSError:
            return None


def _datagram_socket() -> socket.socket:
    """Return something to ask by, of the network namespace that we are in."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
