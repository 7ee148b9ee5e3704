"""The two UDP sockets, IPv4 and IPv6 on one port, in batches where the kernel can.

UDP_SEGMENT: one send is cut by the kernel into many datagrams (udp(7)).
UDP_GRO: one receive brings many datagrams of one sender.
Either is done without where the kernel refuses; where one path refuses
UDP_SEGMENT, its datagrams are sent one by one for a while, and those of other
paths are not.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from time import monotonic_ns
from typing import NamedTuple

from netstart_wg.datapath.base import MAX_JOINED_OCTETS as MAX_JOINED_OCTETS
from netstart_wg.datapath.base import MAX_SEGMENTS as MAX_SEGMENTS
from netstart_wg.datapath.base import Buffer, Datagrams
from netstart_wg.datapath.refusals import Refusals
from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.receiver import Receiver
from netstart_wg.model.address import Endpoint
from netstart_wg.protocol.forwarding import Path

_SOL_UDP = 17
_UDP_SEGMENT = 103
_UDP_GRO = 104
_IP_MTU_DISCOVER = 10
_IPV6_MTU_DISCOVER = 23
_PMTUDISC_DONT = 0
_IP_PKTINFO = 8

_SEND_TIMEOUT = struct.pack("@ll", 0, 200_000)
"""A send waits so long, at most, for room in the socket's buffer: seconds, microseconds."""

_PATHS_REMEMBERED = 4096
_TURN = 16
"""Receives of one family before the other is asked: a flood over one does not starve the other."""

_GSO_REFUSED = frozenset((errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP))
"""The device computes no checksums; no room for a segment in the path's MTU, of which kernels
before 6.14 say EINVAL."""
_SOURCE_REFUSED = frozenset((errno.EINVAL, errno.EADDRNOTAVAIL, errno.ENETUNREACH))

_SEGMENT_SIZE = struct.Struct("=H")
_PKTINFO4 = struct.Struct("=i4s4s")
"""Interface index, local address, destination of the header."""
_PKTINFO6 = struct.Struct("=16si")
_TRAFFIC_CLASS = struct.Struct("=i")

_Ancillary = list[tuple[int, int, bytes]]
_Address = tuple[str, int] | tuple[str, int, int, int]


class _Route(NamedTuple):
    """A path as the socket calls want it."""

    path: Path
    sender: socket.socket
    address: _Address
    source: _Ancillary


class UdpPort:
    """The `UdpEnd` of an interface: open while it is up, closed while it is down."""

    def __init__(self) -> None:
        self.sockets: UdpSockets | None = None

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        """See `UdpEnd`."""
        return () if self.sockets is None else self.sockets.receive(limit)

    def send(self, messages: Sequence[bytes], path: Path, traffic_class: int = 0) -> int:
        """See `UdpEnd`."""
        return 0 if self.sockets is None else self.sockets.send(messages, path, traffic_class)

    def send_laid(self, messages: memoryview, size: int, path: Path, traffic_class: int = 0) -> int:
        """See `UdpEnd`."""
        sockets = self.sockets
        return 0 if sockets is None else sockets.send_laid(messages, size, path, traffic_class)


class UdpSockets:
    """Sockets bound to a port, one or two families."""

    def __init__(self, bound: BoundSockets) -> None:
        """Take sockets, and close them with our own `close`; raise OSError."""
        self._sockets = {each.family: each for each in bound.sockets}
        self.port = bound.port
        self.namespace = bound.namespace
        """Inode of the network namespace that they are in: the one their maker was in."""
        self._has_gso = True
        self._refuses_gso: Refusals[Endpoint] = Refusals()
        self._receivers = [Receiver(each.fileno()) for each in self._sockets.values()]
        self._in_a_row = 0
        self._routes: dict[int, _Route] = {}
        """By the identity of the path, which the route keeps alive: hashing one costs more."""
        granted = [_tune(each) for each in self._sockets.values()]
        self._has_gro = all(granted)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What to wait on."""
        return tuple(each.fileno() for each in self._sockets.values())

    @property
    def offloads(self) -> tuple[str, ...]:
        """What the kernel grants, by name."""
        granted = {"udp-gro": self._has_gro, "udp-gso": self._has_gso}
        return tuple(name for name, has in granted.items() if has)

    @property
    def all(self) -> tuple[socket.socket, ...]:
        """The sockets themselves."""
        return tuple(self._sockets.values())

    def close(self) -> None:
        """Close both."""
        for each in self._sockets.values():
            each.close()

    # -- receiving -----------------------------------------------------------------------

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        """See `UdpEnd`."""
        for _ in self._receivers:
            received = self._receivers[0].receive(limit)
            self._in_a_row += len(received)
            if not received or self._in_a_row >= _TURN:
                self._next_turn()
            if received:
                return received
        return ()

    def _next_turn(self) -> None:
        self._in_a_row = 0
        self._receivers.append(self._receivers.pop(0))

    # -- sending ---------------------------------------------------------------------------

    def send(self, messages: Sequence[bytes], path: Path, traffic_class: int = 0) -> int:
        """See `UdpEnd`."""
        route = self._routes.get(id(path)) or self._find_route(path)
        if route is None:
            return 0
        mark = _mark_ancillary(route.sender, traffic_class) if traffic_class else []
        sent, start, end = 0, 0, len(messages)
        while start < len(messages):
            if len(messages) > 1:
                end = _joinable(messages, start) if self._may_join(path.endpoint) else start + 1
            run = messages[start:end]
            start = end
            error = self._send_joined(run, len(run[0]), route, mark) if len(run) > 1 else None
            if error is None or error in _GSO_REFUSED:
                sent += _send_singly(run, route, mark)
            elif not error:
                sent += len(run)
        return sent

    def send_laid(self, messages: memoryview, size: int, path: Path, traffic_class: int = 0) -> int:
        """See `UdpEnd`."""
        route = self._routes.get(id(path)) or self._find_route(path)
        if route is None:
            return 0
        mark = _mark_ancillary(route.sender, traffic_class) if traffic_class else []
        if len(messages) > size and self._may_join(path.endpoint):
            error = self._send_joined((messages,), size, route, mark)
            if not error:
                return -(-len(messages) // size)
            if error not in _GSO_REFUSED:
                return 0
        singly = [messages[start : start + size] for start in range(0, len(messages), size)]
        return _send_singly(singly, route, mark)

    def _find_route(self, path: Path) -> _Route | None:
        """Make a route of a path, and keep it: mostly the same object comes again."""
        sender = self._sockets.get(
            socket.AF_INET if isinstance(path.endpoint.address, IPv4Address) else socket.AF_INET6
        )
        if sender is None:
            return None
        if len(self._routes) >= _PATHS_REMEMBERED:
            self._routes.clear()
        route = _Route(path, sender, _socket_address(path.endpoint), _source_ancillary(path))
        self._routes[id(path)] = route
        return route

    def _may_join(self, endpoint: Endpoint) -> bool:
        refuses = self._refuses_gso
        return self._has_gso and (refuses.is_empty or not refuses.holds(endpoint, monotonic_ns()))

    def _send_joined(
        self, parts: Sequence[Buffer], size: int, route: _Route, mark: _Ancillary
    ) -> int:
        """Have the kernel cut the parts into datagrams of `size`; return 0 or the error."""
        segment = (_SOL_UDP, _UDP_SEGMENT, _SEGMENT_SIZE.pack(size))
        error = _send_datagram(parts, route, [*mark, segment])
        if error in _GSO_REFUSED:
            self._refuses_gso.remember(route.path.endpoint, monotonic_ns())
        return error


def _tune(each: socket.socket) -> bool:
    """Set what makes it quick and robust; return whether it has UDP_GRO."""
    if each.family == socket.AF_INET:
        each.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DONT)
        each.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        each.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    else:
        each.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_DONT)
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
    try:
        each.setsockopt(_SOL_UDP, _UDP_GRO, 1)
    except OSError:
        return False
    return True


def _socket_address(endpoint: Endpoint) -> _Address:
    if isinstance(endpoint.address, IPv4Address):
        return (str(endpoint.address), endpoint.port)
    return (str(endpoint.address), endpoint.port, 0, endpoint.scope_id)


def _source_ancillary(path: Path) -> _Ancillary:
    match path.source:
        case None:
            return []
        case IPv4Address():
            information = _PKTINFO4.pack(0, path.source.packed, bytes(4))
            return [(socket.IPPROTO_IP, _IP_PKTINFO, information)]
        case IPv6Address():
            information = _PKTINFO6.pack(path.source.packed, path.endpoint.scope_id)
            return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, information)]


def _mark_ancillary(sender: socket.socket, traffic_class: int) -> _Ancillary:
    """Return what sets the TOS octet, or the traffic class of IPv6."""
    octets = _TRAFFIC_CLASS.pack(traffic_class)
    if sender.family == socket.AF_INET:
        return [(socket.IPPROTO_IP, socket.IP_TOS, octets)]
    return [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, octets)]


def _joinable(messages: Sequence[bytes], start: int) -> int:
    """Return the end of the run that one UDP_SEGMENT send can carry."""
    size = total = len(messages[start])
    end = start + 1
    limit = min(len(messages), start + MAX_SEGMENTS)
    while end < limit:
        length = len(messages[end])
        if length > size or total + length > MAX_JOINED_OCTETS:
            break
        total += length
        end += 1
        if length < size:
            break
    return end


def _send_singly(messages: Sequence[Buffer], route: _Route, mark: _Ancillary) -> int:
    return sum(not _send_datagram((message,), route, mark) for message in messages)


def _send_datagram(parts: Sequence[Buffer], route: _Route, others: _Ancillary) -> int:
    """Send in one call; if our address of yesterday is refused, let the routing choose.

    Return 0 or the number of the error.
    """
    sender, source = route.sender, route.source
    try:
        sender.sendmsg(parts, [*source, *others], 0, route.address)
    except OSError as error:
        if not source or error.errno not in _SOURCE_REFUSED:
            return error.errno or errno.EIO
    else:
        return 0
    return _send_datagram(parts, route._replace(source=[]), others)
