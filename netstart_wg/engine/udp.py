"""The two UDP sockets, IPv4 and IPv6 on one port, in batches where the kernel can.

UDP_SEGMENT: one send is cut by the kernel into many datagrams (udp(7)).
UDP_GRO: one receive brings many datagrams of one sender.
Either is done without where the kernel refuses; where one path refuses
UDP_SEGMENT, its datagrams are sent one by one for a while, and those of other
paths are not.

No error of the network ends anything: what could not be sent is counted, by the
number of errno(3), and its sender does with UDP's promise, which is none.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from time import monotonic_ns
from typing import NamedTuple

from netstart_wg.datapath.base import Buffer, Datagrams
from netstart_wg.datapath.refusals import Refusals
from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.receiver import Receiver
from netstart_wg.model.address import Endpoint
from netstart_wg.model.offload import Offload
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
    sender: socket.socket | None
    """None: this host does not have the family."""
    address: _Address
    source: _Ancillary


class UdpPort:
    """The `UdpEnd` of an interface: open while it is up, closed while it is down."""

    def __init__(self) -> None:
        self.sockets: UdpSockets | None = None

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        """See `UdpEnd`."""
        return () if self.sockets is None else self.sockets.receive(limit)

    def send(self, message: bytes, path: Path, traffic_class: int = 0) -> bool:
        """See `UdpEnd`."""
        return self.sockets is not None and self.sockets.send(message, path, traffic_class)

    def send_laid(
        self, messages: memoryview, size: int, path: Path, traffic_class: int = 0
    ) -> Collection[int]:
        """See `UdpEnd`."""
        if self.sockets is None:
            return _places(messages, size)
        return self.sockets.send_laid(messages, size, path, traffic_class)


class UdpSockets:
    """Sockets bound to a port, one or two families."""

    def __init__(
        self,
        bound: BoundSockets,
        errors: Counter[int] | None = None,
        without: Collection[Offload] = (),
    ) -> None:
        """Take sockets, and close them with our own `close`; raise OSError.

        Each datagram that cannot be sent is counted in `errors`, by the number of its error.
        """
        self._sockets = {each.family: each for each in bound.sockets}
        self.port = bound.port
        self.namespace = bound.namespace
        """Inode of the network namespace that they are in: the one their maker was in."""
        self._errors: Counter[int] = Counter() if errors is None else errors
        self._has_gso = Offload.UDP_GSO not in without
        self._refuses_gso: Refusals[Endpoint] = Refusals()
        self._receivers = [Receiver(each.fileno()) for each in self._sockets.values()]
        self._in_a_row = 0
        self._routes: dict[int, _Route] = {}
        """By the identity of the path, which the route keeps alive: hashing one costs more."""
        wants_gro = Offload.UDP_GRO not in without
        granted = [_tune(each, wants_gro=wants_gro) for each in self._sockets.values()]
        self._has_gro = all(granted)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What to wait on."""
        return tuple(each.fileno() for each in self._sockets.values())

    @property
    def offloads(self) -> tuple[Offload, ...]:
        """What the kernel grants."""
        granted = {Offload.UDP_GRO: self._has_gro, Offload.UDP_GSO: self._has_gso}
        return tuple(offload for offload, has in granted.items() if has)

    @property
    def sent_singly(self) -> Collection[Endpoint]:
        """To whom datagrams go one by one at present, because joined ones were refused."""
        return self._refuses_gso.present(monotonic_ns())

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

    def send(self, message: bytes, path: Path, traffic_class: int = 0) -> bool:
        """See `UdpEnd`."""
        route = self._routes.get(id(path)) or self._find_route(path)
        mark = _mark_ancillary(path, traffic_class) if traffic_class else []
        return not self._send_singly((message,), route, mark)

    def send_laid(
        self, messages: memoryview, size: int, path: Path, traffic_class: int = 0
    ) -> Collection[int]:
        """See `UdpEnd`."""
        route = self._routes.get(id(path)) or self._find_route(path)
        mark = _mark_ancillary(path, traffic_class) if traffic_class else []
        if len(messages) > size and self._may_join(path.endpoint):
            error = self._send_joined(messages, size, route, mark)
            if not error:
                return ()
            if error not in _GSO_REFUSED:
                places = _places(messages, size)
                self._errors[error] += len(places)
                return places
        singly = (messages[start : start + size] for start in range(0, len(messages), size))
        return self._send_singly(singly, route, mark)

    def _find_route(self, path: Path) -> _Route:
        """Make a route of a path, and keep it: mostly the same object comes again."""
        is_ipv4 = isinstance(path.endpoint.address, IPv4Address)
        sender = self._sockets.get(socket.AF_INET if is_ipv4 else socket.AF_INET6)
        if len(self._routes) >= _PATHS_REMEMBERED:
            self._routes.clear()
        route = _Route(path, sender, _socket_address(path.endpoint), _source_ancillary(path))
        self._routes[id(path)] = route
        return route

    def _may_join(self, endpoint: Endpoint) -> bool:
        refuses = self._refuses_gso
        return self._has_gso and (refuses.is_empty or not refuses.holds(endpoint, monotonic_ns()))

    def _send_joined(self, messages: memoryview, size: int, route: _Route, mark: _Ancillary) -> int:
        """Have the kernel cut the messages into datagrams of `size`; return 0 or the error."""
        segment = (_SOL_UDP, _UDP_SEGMENT, _SEGMENT_SIZE.pack(size))
        error = _send_datagram(messages, route, [*mark, segment])
        if error in _GSO_REFUSED:
            self._refuses_gso.remember(route.path.endpoint, monotonic_ns())
        return error

    def _send_singly(
        self, messages: Iterable[Buffer], route: _Route, mark: _Ancillary
    ) -> Collection[int]:
        """Send one by one; return the places of those that did not leave, and count why."""
        unsent: list[int] = []
        for place, message in enumerate(messages):
            if error := _send_datagram(message, route, mark):
                self._errors[error] += 1
                unsent.append(place)
        return unsent


def _places(messages: memoryview, size: int) -> range:
    """Return the places of all messages that are laid end to end."""
    return range(-(-len(messages) // size))


def _tune(each: socket.socket, *, wants_gro: bool) -> bool:
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
        each.setsockopt(_SOL_UDP, _UDP_GRO, wants_gro)
    except OSError:
        return False
    return wants_gro


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


def _mark_ancillary(path: Path, traffic_class: int) -> _Ancillary:
    """Return what sets the TOS octet, or the traffic class of IPv6."""
    octets = _TRAFFIC_CLASS.pack(traffic_class)
    if isinstance(path.endpoint.address, IPv4Address):
        return [(socket.IPPROTO_IP, socket.IP_TOS, octets)]
    return [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, octets)]


def _send_datagram(message: Buffer, route: _Route, others: _Ancillary) -> int:
    """Send in one call; if our address of yesterday is refused, let the routing choose.

    Return 0 or the number of the error.
    """
    sender, source = route.sender, route.source
    if sender is None:
        return errno.EAFNOSUPPORT
    try:
        sender.sendmsg((message,), [*source, *others], 0, route.address)
    except OSError as error:
        if not source or error.errno not in _SOURCE_REFUSED:
            return error.errno or errno.EIO
    else:
        return 0
    return _send_datagram(message, route._replace(source=[]), others)
