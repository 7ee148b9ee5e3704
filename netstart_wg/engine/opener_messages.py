"""What an engine and its opener say to each other: two structures of fixed length.

Descriptors travel beside them (SCM_RIGHTS).  Neither keys nor packets have a
place in here.  The opener believes nothing: what is not exactly a request is a
ValueError.
"""

from __future__ import annotations

import array
import enum
import errno
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from netstart_wg.engine.link import LinkState

DESCRIPTORS_MAX: Final = 2
"""Beside one message."""

_REQUEST = struct.Struct("=BBHI16s")
_ANSWER = struct.Struct("=BBHIQ")

REQUEST_OCTETS: Final = _REQUEST.size
ANSWER_OCTETS: Final = _ANSWER.size

_SUPER_PACKET_MAX = 1 << 16
_DESCRIPTOR_OCTETS = array.array("i").itemsize


class Operation(enum.IntEnum):
    """One for each method of `Opener`."""

    OPEN_SOCKETS = 1
    SET_FWMARK = 2
    OPEN_NETWORK_CHANGES = 3
    NAMESPACE_OF = 4
    INDEX_OF_INTERFACE = 5
    LOOK = 6
    LIMIT_SUPER_PACKETS = 7
    HAS_SOCKET_FILE = 8
    REMOVE_SOCKET_FILE = 9


_DESCRIPTORS: Final = {
    Operation.OPEN_SOCKETS: range(1),
    Operation.SET_FWMARK: range(1, DESCRIPTORS_MAX + 1),
    Operation.OPEN_NETWORK_CHANGES: range(1),
    Operation.NAMESPACE_OF: range(1),
    Operation.INDEX_OF_INTERFACE: range(1),
    Operation.LOOK: range(1, 2),
    Operation.LIMIT_SUPER_PACKETS: range(1, 2),
    Operation.HAS_SOCKET_FILE: range(1),
    Operation.REMOVE_SOCKET_FILE: range(1),
}
"""How many come along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """From the engine; what an operation does not use is 0."""

    operation: Operation
    rdomain: int = 0
    port: int = 0
    number: int = 0
    """The mark, or the octets of a super-packet."""
    name: str = ""
    """Of an interface, 15 octets at most."""

    def encode(self) -> bytes:
        """Raise OSError for a name that no interface can have: the opener would end by it."""
        name = self.name.encode()
        if self.operation is Operation.INDEX_OF_INTERFACE and not _is_interface_name(name):
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return _REQUEST.pack(self.operation, self.rdomain, self.port, self.number, name)

    @classmethod
    def decode(cls, octets: bytes, descriptors: int) -> Self:
        """Raise ValueError unless it is exactly a request, with as many descriptors as it takes."""
        if len(octets) != _REQUEST.size:
            raise ValueError(f"a request of {len(octets)} octets")
        number, rdomain, port, value, name = _REQUEST.unpack(octets)
        operation = Operation(number)
        if descriptors not in _DESCRIPTORS[operation]:
            raise ValueError(f"{operation.name} with {descriptors} descriptors")
        if operation is Operation.LIMIT_SUPER_PACKETS and not 0 < value <= _SUPER_PACKET_MAX:
            raise ValueError(f"super-packets of {value} octets")
        return cls(
            operation=operation,
            rdomain=rdomain,
            port=port,
            number=value,
            name=_interface_name(name) if operation is Operation.INDEX_OF_INTERFACE else "",
        )


class LostDescriptorsError(ValueError):
    """Descriptors came along that were too many, or more than this process may open."""


class Outcome(enum.IntEnum):
    """How it went."""

    DONE = 0
    REFUSED = 1
    """By the system: `number` is errno."""
    UNKNOWN = 2
    """There is no state of the interface to be had."""
    GONE = 3
    """The interface was deleted."""


class _Flag(enum.IntFlag):
    ELSEWHERE = 1
    UP = 2
    DEBUG = 4
    HAS_MTU = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """From the opener; what an outcome has no use for is 0."""

    outcome: Outcome = Outcome.DONE
    flags: int = 0
    number: int = 0
    """errno, an index, an MTU, or 1 for yes."""
    namespace: int = 0
    """Inode: where the sockets are, or the interface, or an rdomain's."""

    def encode(self) -> bytes:
        """Return its octets."""
        return _ANSWER.pack(self.outcome, self.flags, 0, self.number, self.namespace)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Raise ValueError unless it is exactly an answer."""
        if len(octets) != _ANSWER.size:
            raise ValueError(f"an answer of {len(octets)} octets")
        outcome, flags, _, number, namespace = _ANSWER.unpack(octets)
        return cls(outcome=Outcome(outcome), flags=flags, number=number, namespace=namespace)

    @classmethod
    def of_link(cls, state: LinkState | None) -> Self:
        """Put the state of an interface into an answer."""
        if state is None:
            return cls(outcome=Outcome.UNKNOWN)
        flags = _Flag(0)
        for holds, flag in (
            (state.is_elsewhere, _Flag.ELSEWHERE),
            (state.is_up, _Flag.UP),
            (state.is_debug, _Flag.DEBUG),
            (state.mtu is not None, _Flag.HAS_MTU),
        ):
            flags |= flag if holds else _Flag(0)
        return cls(flags=flags, number=state.mtu or 0, namespace=state.namespace)

    def link(self) -> LinkState:
        """Take the state of an interface out again."""
        return LinkState(
            namespace=self.namespace,
            is_elsewhere=bool(self.flags & _Flag.ELSEWHERE),
            is_up=bool(self.flags & _Flag.UP),
            is_debug=bool(self.flags & _Flag.DEBUG),
            mtu=self.number if self.flags & _Flag.HAS_MTU else None,
        )


def send(connection: socket.socket, octets: bytes, descriptors: Sequence[int]) -> None:
    """Send a message; raise OSError."""
    socket.send_fds(connection, [octets], descriptors)


def receive(connection: socket.socket, length: int) -> tuple[bytes, Sequence[int]]:
    """Receive one of at most `length` octets, none at the end; the descriptors are the caller's.

    They are not inherited by programs, which socket.recv_fds forgets before Python 3.12.
    Raise OSError, LostDescriptorsError, or ValueError for a message that is longer.
    """
    room = socket.CMSG_SPACE(DESCRIPTORS_MAX * _DESCRIPTOR_OCTETS)
    octets, ancillary, flags, _ = connection.recvmsg(length, room, socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % _DESCRIPTOR_OCTETS])
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        for descriptor in descriptors:
            os.close(descriptor)
        if flags & socket.MSG_TRUNC:
            raise ValueError("a message that is too long")
        raise LostDescriptorsError("no room for the descriptors")
    return octets, descriptors.tolist()


def _interface_name(padded: bytes) -> str:
    """Return the name in front of the zeros."""
    name, _, rest = padded.partition(b"\0")
    if any(rest) or not _is_interface_name(name):
        raise ValueError("not the name of an interface")
    return name.decode()


def _is_interface_name(name: bytes) -> bool:
    return 0 < len(name) <= 15 and b"/" not in name and b"\0" not in name
