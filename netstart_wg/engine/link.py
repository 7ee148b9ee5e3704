"""The network interface in front of the TUN: its MTU, and word when something about it changes.

Only what the engine itself must know.  Everything an administrator configures is
netstart-wg's business; loading its netlink library here would double the
engine's memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct

_SIOCGIFMTU = 0x8921
_SIOCSIFMTU = 0x8922
_IFREQ_INT = struct.Struct("16si12x")

_RTMGRP_LINK = 1
_RTM_SETLINK = 19
_NLM_F_REQUEST = 1
_IFLA_GSO_MAX_SIZE = 41
_NLMSGHDR = struct.Struct("=IHHII")
_IFINFOMSG = struct.Struct("=BxHiII")
_RTATTR_U32 = struct.Struct("=HHI")


class Link:
    """One interface, by name."""

    def __init__(self, name: str) -> None:
        """Take the name of an interface that exists."""
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

    def mtu(self) -> int | None:
        """Return the MTU in bytes, or None if the interface is not in this namespace."""
        request = _IFREQ_INT.pack(self._name.encode(), 0)
        try:
            reply = fcntl.ioctl(self._socket, _SIOCGIFMTU, request)
        except OSError:
            return None
        mtu: int = _IFREQ_INT.unpack(reply)[1]
        return mtu

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
