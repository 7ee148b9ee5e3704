"""UDP sockets as they are opened: both families on one port, buffers, mark.

What takes privilege is all here: a port below 1024, buffers above the system's
limit, SO_MARK.  Nothing here sends or receives.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from netstart_wg.system.namespaces import identity, identity_of, namespace_of, vrf_index

_SIOCGSKNS = 0x894C
_SO_MARK = 36
_SO_BINDTOIFINDEX = 62
_U32 = struct.Struct("=I")
"""A mark has all 32 bits; what Python makes of a number has a sign."""
_SO_PROTOCOL = 38
_SO_RCVBUFFORCE = 33
_SO_SNDBUFFORCE = 32

_RECEIVE_BUFFER_OCTETS = 4 << 20
_SEND_BUFFER_OCTETS = 256 << 20
"""More than waits in the queue of any device: what is too much is for that to decide, as it is with
Linux's driver.  A buffer full of what waits for one slow link holds up the peers behind others."""
_PORT_TRIES = 100


@dataclass(frozen=True, slots=True)
class BoundSockets:
    """UDP sockets of one port, one for each family that there is."""

    sockets: tuple[socket.socket, ...]
    """At least one."""
    namespace: int | None
    """`identity_of` the rdomain that they are in; None if that is not known."""

    @classmethod
    def bind(cls, port: int, fwmark: int, rdomain: int = 0) -> Self:
        """Bind both families to `port`, or, if it is 0, to one that both can have.

        They are in the thread's namespace, or in the VRF there that is the rdomain.  A
        host without IPv6, or without IPv4, does with the other one.  Raise OSError,
        with EADDRINUSE when the port is taken.
        """
        vrf = vrf_index(rdomain)
        identity = namespace_of(0) if vrf is None else identity_of(rdomain)
        bound = cls(tuple(_bind_both(port, vrf)), identity)
        try:
            for each in bound.sockets:
                enlarge_buffers(each)
            set_fwmark(bound.sockets, fwmark)
        except OSError:
            bound.close()
            raise
        return bound

    @property
    def port(self) -> int:
        """Which it is."""
        port: int = self.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Close all."""
        for each in self.sockets:
            each.close()


def adopt_udp_socket(descriptor: int) -> socket.socket:
    """Take over a bound UDP socket of any maker.

    Raise OSError or ValueError; then it stays its giver's to close.
    """
    each = socket.socket(fileno=descriptor)
    is_internet = each.family in (socket.AF_INET, socket.AF_INET6)
    if not is_internet or each.getsockopt(socket.SOL_SOCKET, _SO_PROTOCOL) != socket.IPPROTO_UDP:
        each.detach()
        raise ValueError("it is no UDP socket")
    if not each.getsockname()[1]:
        each.detach()
        raise ValueError("it is not bound to a port")
    each.set_inheritable(False)
    return each


def namespace_of_socket(each: socket.socket) -> int | None:
    """Return `identity_of` the rdomain that it is in; None without CAP_NET_ADMIN there."""
    try:
        namespace: int = fcntl.ioctl(each.fileno(), _SIOCGSKNS, 0)
    except OSError:
        return None
    try:
        inode = os.fstat(namespace).st_ino
    finally:
        os.close(namespace)
    return identity(inode, each.getsockopt(socket.SOL_SOCKET, _SO_BINDTOIFINDEX))


def fwmark_of(each: socket.socket) -> int:
    """Return SO_MARK, 0 for none."""
    mark: int
    (mark,) = _U32.unpack(each.getsockopt(socket.SOL_SOCKET, _SO_MARK, _U32.size))
    return mark


def set_fwmark(sockets: Sequence[socket.socket], fwmark: int) -> None:
    """Set SO_MARK where it is another; 0 is none.  Raise OSError without CAP_NET_ADMIN."""
    for each in sockets:
        if fwmark != fwmark_of(each):
            each.setsockopt(socket.SOL_SOCKET, _SO_MARK, _U32.pack(fwmark))


def enlarge_buffers(each: socket.socket) -> None:
    """Make its buffers as big as they shall be, or as big as we may."""
    for forced, plain, octets in (
        (_SO_RCVBUFFORCE, socket.SO_RCVBUF, _RECEIVE_BUFFER_OCTETS),
        (_SO_SNDBUFFORCE, socket.SO_SNDBUF, _SEND_BUFFER_OCTETS),
    ):
        try:
            each.setsockopt(socket.SOL_SOCKET, forced, octets)
        except OSError:
            each.setsockopt(socket.SOL_SOCKET, plain, octets)


def _bind_both(port: int, vrf: int | None) -> list[socket.socket]:
    for _ in range(_PORT_TRIES):
        try:
            return _try_to_bind_both(port, vrf)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free for both IPv4 and IPv6")


def _try_to_bind_both(port: int, vrf: int | None) -> list[socket.socket]:
    """Bind; a family that this host does not have is left out."""
    device = b"" if vrf is None else socket.if_indextoname(vrf).encode()
    bound: list[socket.socket] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            candidate = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:
                continue
            raise
        try:
            if family == socket.AF_INET6:
                candidate.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if device:
                candidate.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
            candidate.bind(("", port))
        except OSError as error:
            candidate.close()
            if error.errno == errno.EADDRNOTAVAIL and family == socket.AF_INET6:
                continue  # net.ipv6.conf.all.disable_ipv6
            for other in bound:
                other.close()
            raise
        bound.append(candidate)
        port = candidate.getsockname()[1]
    if not bound:
        raise OSError(errno.EAFNOSUPPORT, "neither IPv4 nor IPv6")
    return bound
