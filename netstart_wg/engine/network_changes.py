"""Whether the routing still agrees with the addresses that we answer from.

A peer is answered from the address that it wrote to, which is what a host with
two addresses owes it.  That holds as long as the routing takes packets from
that address out by the interface on which the peer was heard; the Linux driver
looks at each send, we when rtnetlink(7) tells of another address or route.
"""

from __future__ import annotations

import errno
import itertools
import socket
import struct
from ipaddress import IPv4Address

from netstart_wg.protocol.forwarding import Path

_REST = 10
"""After a look at all peers none follows for so many times as long as it took: of many
peers, and a routing daemon that changes much, the packets are not to suffer."""

_RTM_NEWROUTE = 24
_RTM_GETROUTE = 26
_NLMSG_ERROR = 2
_NLM_F_REQUEST = 1
_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_MARK = 1, 2, 4, 16

_NLMSGHDR = struct.Struct("=IHHII")
_RTMSG = struct.Struct("=BBBBBBBBI")
_RTATTR = struct.Struct("=HH")
_U32 = struct.Struct("=I")
_READ_SIZE = 65536


class NetworkChanges:
    """The network of the UDP sockets: when it changes, and where it leads."""

    def __init__(self, netlink: socket.socket) -> None:
        """Take a socket of there, non-blocking and bound to the groups; close it with `close`."""
        self._netlink = netlink
        self._sequence = itertools.count(1)
        self._soonest_ns = 0
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
        """Note that all paths have been looked at."""
        self._soonest_ns, self.due_ns = ended_ns + _REST * (ended_ns - begun_ns), None

    def leads_elsewhere(self, path: Path, fwmark: int) -> bool:
        """Say whether packets to the path's end, from its source, take another interface.

        So they do if our address is gone.  Where the kernel gives no answer, they do not.
        """
        sequence = next(self._sequence)
        try:
            self._netlink.send(_question(path, fwmark, sequence))
        except OSError:
            return False
        while (answer := self._read()) is not None:
            kind, interface = _answer(answer, sequence)
            if kind == _NLMSG_ERROR:
                return True
            if kind == _RTM_NEWROUTE:
                return path.interface not in (0, interface)
        return False

    def _read(self) -> bytes | None:
        """Return what comes next, or None; nothing, but not None, for what was lost."""
        try:
            return self._netlink.recv(_READ_SIZE)
        except OSError as error:
            return b"" if error.errno == errno.ENOBUFS else None


def _question(path: Path, fwmark: int, sequence: int) -> bytes:
    """Ask for one route, as `ip route get` does."""
    destination, source = path.endpoint.address, path.source
    is_ipv4 = isinstance(destination, IPv4Address)
    bits = 32 if is_ipv4 else 128
    family = socket.AF_INET if is_ipv4 else socket.AF_INET6
    attributes = _attribute(_RTA_DST, destination.packed)
    if source is not None:
        attributes += _attribute(_RTA_SRC, source.packed)
    if fwmark:
        attributes += _attribute(_RTA_MARK, _U32.pack(fwmark))
    if path.endpoint.scope_id:
        attributes += _attribute(_RTA_OIF, _U32.pack(path.endpoint.scope_id))
    body = _RTMSG.pack(family, bits, bits if source else 0, 0, 0, 0, 0, 0, 0) + attributes
    length = _NLMSGHDR.size + len(body)
    return _NLMSGHDR.pack(length, _RTM_GETROUTE, _NLM_F_REQUEST, sequence, 0) + body


def _attribute(kind: int, data: bytes) -> bytes:
    return _RTATTR.pack(_RTATTR.size + len(data), kind) + data


def _answer(messages: bytes, sequence: int) -> tuple[int, int]:
    """Return type and outgoing interface of the answer to a question, zeros if it is not there."""
    if len(messages) < _NLMSGHDR.size:
        return 0, 0
    length, kind, _, number, _ = _NLMSGHDR.unpack_from(messages)
    if number != sequence or kind not in (_NLMSG_ERROR, _RTM_NEWROUTE):
        return 0, 0
    at = _NLMSGHDR.size + _RTMSG.size
    while kind == _RTM_NEWROUTE and at + _RTATTR.size <= length:
        size, attribute = _RTATTR.unpack_from(messages, at)
        if attribute == _RTA_OIF:
            return kind, _U32.unpack_from(messages, at + _RTATTR.size)[0]
        at += max(_RTATTR.size, -(-size // 4) * 4)
    return kind, 0
