"""A netlink socket of one rdomain, for messages that are packed here (netlink(7), genetlink).

Where rtnetlink is spoken with a library (`rtnetlink.py`), here octets go in and come
out: twenty thousand peers are three megabytes of attributes, and to see that they
are what they were nobody needs to look into most of them.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final

from netstart_wg.system.namespaces import inside_rdomain

NETLINK_ROUTE: Final = 0
NETLINK_GENERIC: Final = 16

NLA_F_NESTED: Final = 0x8000
ATTRIBUTE_LIMIT: Final = 0xFFFF
"""Octets of one attribute with its header, whatever it holds (linux/netlink.h)."""

_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_DUMP_WAS_INTERRUPTED = 0x10
_ERROR, _DONE = 2, 3
_CAP_ACK: Final = 10
_SOL_NETLINK: Final = 270
_NLA_TYPE_MASK = 0x3FFF
_DUMP_ATTEMPTS = 5
_PIECE = 1 << 18
_PATIENCE_SECONDS = 20.0

_HEADER = struct.Struct("=IHHII")
_ERROR_NUMBER = struct.Struct("=i")
_ATTRIBUTE = struct.Struct("=HH")


def attribute(kind: int, payload: bytes) -> bytes:
    """Return an attribute, padded so that another may follow."""
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(-length % 4)


def nest(kind: int, *members: bytes) -> bytes:
    """Return an attribute that holds others."""
    return attribute(kind | NLA_F_NESTED, b"".join(members))


def attributes(octets: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield each attribute's kind and payload."""
    offset, end = 0, len(octets)
    while offset + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(octets, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _NLA_TYPE_MASK, octets[offset + _ATTRIBUTE.size : offset + length]
        offset += length + -length % 4


class NetlinkSocket:
    """One socket, opened when first needed; for one thread.  What the kernel refuses is OSError."""

    def __init__(self, protocol: int, rdomain: int = 0) -> None:
        """Take an rdomain that exists."""
        self.rdomain = rdomain
        self._protocol = protocol
        self._socket: socket.socket | None = None
        self._sequence = 0

    def close(self) -> None:
        """Give the socket back; a later request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def request(self, kind: int, flags: int, payload: bytes) -> list[memoryview]:
        """Send a message, and wait for what the kernel says to it; return what it answers."""
        return [content for _, content in self._exchange(kind, _REQUEST | _ACK | flags, payload)]

    def dump(self, kind: int, payload: bytes) -> list[memoryview]:
        """Return the contents of all messages of a dump during which nothing changed."""
        for _ in range(_DUMP_ATTEMPTS):
            answers = list(self._exchange(kind, _REQUEST | _DUMP, payload))
            if not any(flags & _DUMP_WAS_INTERRUPTED for flags, _ in answers):
                return [content for _, content in answers]
        raise OSError(errno.EAGAIN, "it keeps changing while one reads it")

    def _exchange(self, kind: int, flags: int, payload: bytes) -> Iterator[tuple[int, memoryview]]:
        """Send, and yield flags and content of each message up to the one that ends the answer."""
        connection = self._open()
        self._sequence += 1
        length = _HEADER.size + len(payload)
        connection.send(_HEADER.pack(length, kind, flags, self._sequence, 0) + payload)
        while True:
            piece = memoryview(connection.recv(_PIECE))
            while len(piece) >= _HEADER.size:
                length, kind, flags, sequence, _ = _HEADER.unpack_from(piece)
                content, piece = piece[_HEADER.size : length], piece[length + -length % 4 :]
                if sequence != self._sequence:
                    continue  # of a request that was given up
                if kind in (_ERROR, _DONE):
                    number = _ERROR_NUMBER.unpack_from(content)[0] if len(content) >= 4 else 0
                    if number:
                        raise OSError(-number, os.strerror(-number))
                    return
                yield flags, content

    def _open(self) -> socket.socket:
        if self._socket is None:
            with inside_rdomain(self.rdomain):
                kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
                self._socket = socket.socket(socket.AF_NETLINK, kind, self._protocol)
            self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)  # a refusal without our secrets
            self._socket.settimeout(_PATIENCE_SECONDS)
            self._socket.bind((0, 0))
        return self._socket
