"""Whether the routing still agrees with the addresses that we answer from.

A peer is answered from the address that it wrote to, which is what a host with
two addresses owes it.  That holds as long as the address is ours and the routing
takes packets from it out by the interface on which the peer was heard; while
there is no route at all, it holds, too.  The Linux driver looks at each send, we
when rtnetlink(7) tells of a change.
"""

from __future__ import annotations

import errno
import itertools
import socket
import struct
from ipaddress import IPv4Address
from typing import NamedTuple

from netstart_wg.model.address import IPAddress
from netstart_wg.protocol.forwarding import Path

_REST = 10
"""After a look at all peers none follows for so many times as long as it took: of many
peers, and a routing daemon that changes much, the packets are not to suffer."""

_RTM_NEWROUTE = 24
_RTM_GETROUTE = 26
_NLMSG_ERROR = 2
_NLM_F_REQUEST = 1
_RTN_LOCAL = 2
_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_MARK = 1, 2, 4, 16

_NLMSGHDR = struct.Struct("=IHHII")
_RTMSG = struct.Struct("=BBBBBBBBI")
_RTATTR = struct.Struct("=HH")
_U32 = struct.Struct("=I")
_READ_SIZE = 65536


class _Route(NamedTuple):
    """What the kernel answers to the question for a route; nothing where there is none."""

    is_local: bool = False
    """Whether the destination is an address of ours."""
    interface: int = 0


class NetworkChanges:
    """The network of the UDP sockets: when it changes, and where it leads."""

    def __init__(self, netlink: socket.socket, vrf: int = 0) -> None:
        """Take a socket of there, non-blocking and bound to the groups; close it with `close`.

        `vrf` is the index of the VRF that the UDP sockets are in, 0 for none.
        """
        self._netlink = netlink
        self._vrf = vrf
        self._port: int = netlink.getsockname()[0]
        self._sequence = itertools.count(1)
        self._soonest_ns = 0
        self._has_changed = False
        self.due_ns: int | None = None
        """When the paths are to be looked at, boot time; None as long as nothing has changed."""

    @property
    def descriptor(self) -> int:
        """What to wait on."""
        return self._netlink.fileno()

    def close(self) -> None:
        """Hear no more."""
        self._netlink.close()

    def note(self, now_ns: int) -> None:
        """Take in what was told; what it was does not matter."""
        while self._read() is not None:
            pass
        self.due_ns = max(now_ns, self._soonest_ns)

    def checked(self, begun_ns: int, ended_ns: int) -> None:
        """Note that all paths have been looked at, the first perhaps before the latest change."""
        self._soonest_ns = ended_ns + _REST * (ended_ns - begun_ns)
        self.due_ns = self._soonest_ns if self._has_changed else None
        self._has_changed = False

    def leads_elsewhere(self, path: Path, fwmark: int) -> bool:
        """Say whether the path's source is not ours any more, or packets from it go another way.

        Where the kernel gives no answer, neither is so.
        """
        if path.source is None:
            return False
        scope_id = path.endpoint.scope_id or self._vrf
        ours = self._ask(_question(path.source, scope_id))
        if ours is not None and not ours.is_local:
            return True
        there = self._ask(_question(path.endpoint.address, scope_id, path.source, fwmark))
        if there is None or not there.interface or not path.interface:
            return False
        return there.interface != path.interface

    def _ask(self, question: bytes) -> _Route | None:
        """Ask for one route, as `ip route get` does; return None if there is no answer."""
        sequence = next(self._sequence)
        header = (_NLMSGHDR.size + len(question), _RTM_GETROUTE, _NLM_F_REQUEST, sequence, 0)
        try:
            self._netlink.send(_NLMSGHDR.pack(*header) + question)
        except OSError:
            return None
        while (answer := self._read()) is not None:
            if answer and _NLMSGHDR.unpack_from(answer)[3:] == (sequence, self._port):
                return _route(answer)
            self._has_changed = True
        return None

    def _read(self) -> bytes | None:
        """Return what comes next, or None; nothing, but not None, for what was lost."""
        try:
            return self._netlink.recv(_READ_SIZE)
        except OSError as error:
            return b"" if error.errno == errno.ENOBUFS else None


def _question(
    destination: IPAddress, scope_id: int, source: IPAddress | None = None, fwmark: int = 0
) -> bytes:
    """Ask for the route to a destination, from whichever address or from that one."""
    is_ipv4 = isinstance(destination, IPv4Address)
    bits = 32 if is_ipv4 else 128
    family = socket.AF_INET if is_ipv4 else socket.AF_INET6
    attributes = _attribute(_RTA_DST, destination.packed)
    if source is not None:
        attributes += _attribute(_RTA_SRC, source.packed)
    if fwmark:
        attributes += _attribute(_RTA_MARK, _U32.pack(fwmark))
    if scope_id:
        attributes += _attribute(_RTA_OIF, _U32.pack(scope_id))
    return _RTMSG.pack(family, bits, bits if source else 0, 0, 0, 0, 0, 0, 0) + attributes


def _attribute(kind: int, data: bytes) -> bytes:
    return _RTATTR.pack(_RTATTR.size + len(data), kind) + data


def _route(answer: bytes) -> _Route:
    """Read the answer to a question."""
    length, kind, *_ = _NLMSGHDR.unpack_from(answer)
    if kind != _RTM_NEWROUTE:
        return _Route()
    is_local = _RTMSG.unpack_from(answer, _NLMSGHDR.size)[7] == _RTN_LOCAL
    at = _NLMSGHDR.size + _RTMSG.size
    while at + _RTATTR.size <= length:
        size, attribute = _RTATTR.unpack_from(answer, at)
        if attribute == _RTA_OIF:
            return _Route(is_local, _U32.unpack_from(answer, at + _RTATTR.size)[0])
        at += max(_RTATTR.size, -(-size // 4) * 4)
    return _Route(is_local)
