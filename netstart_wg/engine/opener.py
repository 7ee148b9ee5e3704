"""What takes privilege while an engine runs, and nothing else: `Opener`.

Here it is done by the process that asks.  An engine that runs without
privileges asks another process (`opener_process.py`), or does with sockets that
were handed to it (`HandedInSockets`).
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from typing import Protocol

from netstart_wg.engine.bound_sockets import BoundSockets, enlarge_buffers, set_fwmark
from netstart_wg.engine.link import Link, LinkState
from netstart_wg.engine.tun_device import TunDevice
from netstart_wg.engine.uapi_listener import SocketFile
from netstart_wg.system.namespaces import identity_of, inside_rdomain

_WHAT_ROUTES = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 1 << 18 | 1 << 31
"""Of rtnetlink(7): links (with which the kernel takes IPv4 routes away without a word), addresses,
routes and rules of IPv4, of IPv6, and nexthops."""


class OpenerGoneError(Exception):
    """The process that has the privileges has ended, and so must the engine."""


class Opener(Protocol):
    """Each raises OSError where the system refuses, and OpenerGoneError at the end of it all."""

    def open_sockets(self, port: int, fwmark: int, rdomain: int) -> BoundSockets:
        """Open them in an rdomain; ENOENT if there is no such rdomain."""
        ...

    def set_fwmark(self, sockets: Sequence[socket.socket], fwmark: int) -> None:
        """Set SO_MARK where it is another; 0 is none."""
        ...

    def open_network_changes(self, rdomain: int) -> socket.socket:
        """Return a netlink socket that becomes readable when the routing there may change."""
        ...

    def namespace_of(self, rdomain: int) -> int | None:
        """Return `identity_of` an rdomain; None if there is no such rdomain."""
        ...

    def index_of_interface(self, name: str, rdomain: int) -> int:
        """Return the index that an interface has in an rdomain."""
        ...

    def look(self, device: TunDevice) -> LinkState | None:
        """See `Link.look`."""
        ...

    def limit_super_packets(self, device: TunDevice, octets: int) -> None:
        """See `Link.limit_super_packets`."""
        ...

    def has_socket_file(self) -> bool:
        """Say whether the UAPI socket file of this engine is still in place."""
        ...

    def remove_socket_file(self) -> None:
        """Delete the UAPI socket file of this engine, if it is still there."""
        ...

    def close(self) -> None:
        """Ask for nothing any more."""
        ...

    @property
    def descriptor(self) -> int | None:
        """What becomes readable when the opener ends before its engine, None if it cannot."""
        ...


class DirectOpener:
    """Does it with what rights this process has."""

    descriptor: int | None = None

    def __init__(self, file: SocketFile) -> None:
        """Take the engine's UAPI socket file."""
        self._file = file

    def open_sockets(self, port: int, fwmark: int, rdomain: int) -> BoundSockets:
        """See `Opener`."""
        with inside_rdomain(rdomain):
            return BoundSockets.bind(port, fwmark, rdomain)

    def set_fwmark(self, sockets: Sequence[socket.socket], fwmark: int) -> None:
        """See `Opener`."""
        set_fwmark(sockets, fwmark)

    def open_network_changes(self, rdomain: int) -> socket.socket:
        """See `Opener`."""
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        with inside_rdomain(rdomain):
            changes = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
            changes.bind((0, _WHAT_ROUTES))
            return changes

    def namespace_of(self, rdomain: int) -> int | None:
        """See `Opener`."""
        return identity_of(rdomain)

    def index_of_interface(self, name: str, rdomain: int) -> int:
        """See `Opener`."""
        with inside_rdomain(rdomain):
            try:
                return socket.if_nametoindex(name)
            except OSError as error:  # which has no number
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from error

    def look(self, device: TunDevice) -> LinkState | None:
        """See `Opener`."""
        return Link(device).look()

    def limit_super_packets(self, device: TunDevice, octets: int) -> None:
        """See `Opener`."""
        Link(device).limit_super_packets(octets)

    def has_socket_file(self) -> bool:
        """See `Opener`."""
        return self._file.is_in_place()

    def remove_socket_file(self) -> None:
        """See `Opener`."""
        self._file.remove()

    def close(self) -> None:
        """See `Opener`."""


class HandedInSockets:
    """An opener that has UDP sockets already: of their own port it gives out these.

    They stay open when the interface goes down: nobody could open them again.
    """

    def __init__(self, opener: Opener, sockets: BoundSockets) -> None:
        """Take an opener for everything else, and the sockets."""
        self._opener = opener
        self._sockets = sockets
        for each in sockets.sockets:
            enlarge_buffers(each)
        self.set_fwmark = opener.set_fwmark
        self.open_network_changes = opener.open_network_changes
        self.namespace_of = opener.namespace_of
        self.index_of_interface = opener.index_of_interface
        self.look = opener.look
        self.limit_super_packets = opener.limit_super_packets
        self.has_socket_file = opener.has_socket_file
        self.remove_socket_file = opener.remove_socket_file

    @property
    def descriptor(self) -> int | None:
        """See `Opener`."""
        return self._opener.descriptor

    def open_sockets(self, port: int, fwmark: int, rdomain: int) -> BoundSockets:
        """See `Opener`; whoever leaves the port to us gets the one that was handed in."""
        if rdomain != 0 or port not in (0, self._sockets.port):
            return self._opener.open_sockets(port, fwmark, rdomain)
        copies = tuple(each.dup() for each in self._sockets.sockets)
        bound = BoundSockets(copies, self._sockets.namespace)
        try:
            self._opener.set_fwmark(copies, fwmark)
        except OSError:
            bound.close()
            raise
        return bound

    def close(self) -> None:
        """See `Opener`."""
        self._sockets.close()
        self._opener.close()
