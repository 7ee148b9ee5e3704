"""The network interface in front of the TUN: is it up, its MTU, and word when that changes.

Only what the engine itself must know.  Everything an administrator configures is
netstart-wg's business; loading its netlink library here would double the
engine's memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

_SIOCGIFFLAGS = 0x8913
_SIOCGIFMTU = 0x8921
_SIOCSIFMTU = 0x8922
_IFREQ_INT = struct.Struct("16si12x")
_IFREQ_FLAGS = struct.Struct("16sH14x")
_IFF_UP = 1
_CLONE_NEWNET = 0x40000000

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

    is_up: bool
    mtu: int
    """Bytes."""


class Link:
    """One interface, by name."""

    def __init__(self, name: str) -> None:
        """Take the name of an interface that exists in our namespace; raise OSError."""
        self._name = name
        self.index = socket.if_nametoindex(name)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.events = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        """Readable when some interface of this namespace changed."""
        self.events.bind((0, _RTMGRP_LINK))

    def close(self) -> None:
        """Close both sockets."""
        self._socket.close()
        self.events.close()

    def drain_events(self) -> None:
        """Forget the news: whoever was woken looks for himself."""
        while True:
            try:
                self.events.recv(65536)
            except BlockingIOError:
                return
            except OSError:  # ENOBUFS: some news were lost; that there were any is enough
                continue

    def look(self) -> LinkState | None:
        """Return how the interface is, or None if it is not in our namespace."""
        return self._look_by(self._socket)

    def look_in(self, namespace: int) -> LinkState | None:
        """Return how it is in the network namespace of that descriptor, or None.

        No socket stays there, which would keep the namespace alive, and with it
        the interface, when everybody else has left.  Raise OSError without the
        right to enter.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        ours = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(namespace, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
                    return self._look_by(there)
            finally:
                if libc.setns(ours, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(ours)

    def _look_by(self, any_socket: socket.socket) -> LinkState | None:
        request = _IFREQ_INT.pack(self._name.encode(), 0)
        try:
            flags = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
            mtu = fcntl.ioctl(any_socket, _SIOCGIFMTU, request)
        except OSError:
            return None
        return LinkState(
            is_up=bool(_IFREQ_FLAGS.unpack(flags)[1] & _IFF_UP), mtu=_IFREQ_INT.unpack(mtu)[1]
        )

    def set_mtu(self, mtu: int) -> None:
        """Set the MTU in bytes; raise OSError."""
        fcntl.ioctl(self._socket, _SIOCSIFMTU, _IFREQ_INT.pack(self._name.encode(), mtu))

    def limit_super_packets(self, octets: int) -> None:
        """Ask the kernel for super-packets of at most so many octets; a refusal does no harm.

        A whole 64 KiB would be cut into one full UDP_SEGMENT send and a scrap.
        """
        attribute = _RTATTR_U32.pack(8, _IFLA_GSO_MAX_SIZE, octets)
        body = _IFINFOMSG.pack(socket.AF_UNSPEC, 0, self.index, 0, 0) + attribute
        header = _NLMSGHDR.pack(16 + len(body), _RTM_SETLINK, _NLM_F_REQUEST, 1, 0)
        with contextlib.suppress(OSError):
            self.events.send(header + body)
