"""Receive from a UDP socket, many datagrams a call: recvmmsg(2), which Python does not have.

One call fills several buffers, each of which may hold many datagrams of one
sender (UDP_GRO).  Addresses and control messages are looked at only when they
are not those of a datagram before: octet for octet the same means the same, and
mostly all that one call brings is the same.
"""

from __future__ import annotations

import ctypes
import mmap
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from netstart_wg.datapath.base import RECEIVES, Datagrams
from netstart_wg.datapath.rows import Rows
from netstart_wg.model.address import Endpoint, IPAddress
from netstart_wg.protocol.forwarding import Path

_BUFFER_OCTETS = 65536
_NAME_OCTETS = 28
"""sockaddr_in6, the longer one."""
_CONTROL_OCTETS = 128
_KEPT = 4
"""Kinds of views of each buffer: two of each of the last two lengths."""
_REMEMBERED = 4096
"""Senders, with the control messages that came along."""

_ECN_BITS = 0b11

_FAMILY = struct.Struct("=H")
_SOCKADDR_IN = struct.Struct("!2xH4s")
_SOCKADDR_IN6 = struct.Struct("!2xH4x16s")
_SCOPE_ID = struct.Struct("=24xI")
_CMSGHDR = struct.Struct("@Nii")
_WORD = struct.calcsize("@N")
"""Control messages are aligned to a word."""
_INT = struct.Struct("=i")
_PKTINFO4 = struct.Struct("=i4s4s")
"""Interface index, local address, destination of the header."""
_PKTINFO6 = struct.Struct("=16si")


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("iov", ctypes.c_void_p),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("header", _Msghdr), ("length", ctypes.c_uint))


_recvmmsg = ctypes.CDLL(None).recvmmsg

_Arguments = tuple[ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
_Origin = tuple[Path, int, int]
"""The path, the length of each datagram or 0, the ECN bits."""


_HEADER_OCTETS = ctypes.sizeof(_Mmsghdr)
_CONTROL_LENGTH_AT = _Mmsghdr.header.offset + _Msghdr.control_length.offset
_RESULT = struct.Struct(
    f"={_CONTROL_LENGTH_AT}x{'Q' if _WORD == 8 else 'I'}"
    f"{_Mmsghdr.length.offset - _CONTROL_LENGTH_AT - _WORD}xI"
    f"{_HEADER_OCTETS - _Mmsghdr.length.offset - 4}x"
)
"""What the kernel says of a message: the length of its control messages, and its own."""


class Receiver:
    """The receiving half of one socket."""

    def __init__(self, descriptor: int) -> None:
        """Take the descriptor, which stays its owner's."""
        # pages that nothing has come into yet take no memory
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        memory = memoryview(mmap.mmap(-1, RECEIVES * _BUFFER_OCTETS, flags))
        starts = range(0, RECEIVES * _BUFFER_OCTETS, _BUFFER_OCTETS)
        self._rows = [Rows(memory[start : start + _BUFFER_OCTETS], _KEPT) for start in starts]
        self._names = bytearray(RECEIVES * _NAME_OCTETS)
        self._controls = bytearray(RECEIVES * _CONTROL_OCTETS)
        self._no_controls = bytes(self._controls)
        self._iovecs = (_Iovec * RECEIVES)()
        self._headers = bytearray(RECEIVES * _HEADER_OCTETS)
        self._point_to_buffers()
        self._fresh = bytes(self._headers)
        self._arguments = [
            _arguments(descriptor, _address_of(self._headers), count)
            for count in range(RECEIVES + 1)
        ]
        self._origins: dict[bytes, _Origin] = {}

    def _point_to_buffers(self) -> None:
        headers = (_Mmsghdr * RECEIVES).from_buffer(self._headers)
        names, controls = _address_of(self._names), _address_of(self._controls)
        for place in range(RECEIVES):
            iovec, header = self._iovecs[place], headers[place].header
            iovec.base, iovec.length = _address_of(self._rows[place].view), _BUFFER_OCTETS
            header.name, header.name_length = names + place * _NAME_OCTETS, _NAME_OCTETS
            header.iov, header.iov_length = ctypes.addressof(iovec), 1
            header.control = controls + place * _CONTROL_OCTETS
            header.control_length = _CONTROL_OCTETS

    def receive(self, limit: int) -> list[Datagrams]:
        """See `UdpEnd`; an error of an earlier send, told here, is nothing that has come."""
        self._headers[:] = self._fresh
        self._controls[:] = self._no_controls
        count: int = _recvmmsg(*self._arguments[limit])
        if count <= 0:
            return []
        results = [*_RESULT.iter_unpack(memoryview(self._headers)[: count * _HEADER_OCTETS])]
        if count == 1 or not self._are_alike(count):
            return [self._datagrams(place, *result) for place, result in enumerate(results)]
        path, size, ecn = self._origin(0, results[0][0])
        return [
            Datagrams(rows, length, size or length or 1, path, ecn)
            for rows, (_, length) in zip(self._rows, results, strict=False)
        ]

    def _are_alike(self, count: int) -> bool:
        """Whether so many messages have one sender, and the same control messages."""
        names, controls = count * _NAME_OCTETS, count * _CONTROL_OCTETS
        return (
            self._names[:names] == self._names[:_NAME_OCTETS] * count
            and self._controls[:controls] == self._controls[:_CONTROL_OCTETS] * count
        )

    def _datagrams(self, place: int, control_length: int, length: int) -> Datagrams:
        path, size, ecn = self._origin(place, control_length)
        return Datagrams(self._rows[place], length, size or length or 1, path, ecn)

    def _origin(self, place: int, control_length: int) -> _Origin:
        name, control = place * _NAME_OCTETS, place * _CONTROL_OCTETS
        raw = bytes(
            self._names[name : name + _NAME_OCTETS]
            + self._controls[control : control + control_length]
        )
        return self._origins.get(raw) or self._remember(raw)

    def _remember(self, raw: bytes) -> _Origin:
        if len(self._origins) >= _REMEMBERED:
            self._origins.clear()
        origin = self._origins[raw] = read_origin(raw[:_NAME_OCTETS], raw[_NAME_OCTETS:])
        return origin


def _arguments(descriptor: int, headers: int, count: int) -> _Arguments:
    """Convert them once, and not at each call."""
    return (
        ctypes.c_int(descriptor),
        ctypes.c_void_p(headers),
        ctypes.c_uint(count),
        ctypes.c_int(socket.MSG_DONTWAIT),
        ctypes.c_void_p(None),
    )


def read_origin(name: bytes, control: bytes) -> _Origin:
    """Read a socket address and the control messages that came with it.

    Return the path back to the sender, the length of each of many datagrams
    (UDP_GRO) or 0, and the ECN bits.
    """
    size, ecn = 0, 0
    source: IPAddress | None = None
    interface = 0
    for level, kind, data in _control_messages(control):
        match level, kind:
            case (17, 104) if len(data) >= _INT.size:  # SOL_UDP, UDP_GRO
                (size,) = _INT.unpack_from(data)
            case (socket.IPPROTO_IP, 8) if len(data) >= _PKTINFO4.size:  # IP_PKTINFO
                interface, octets, _ = _PKTINFO4.unpack_from(data)
                source = IPv4Address(octets)
            case (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO) if len(data) >= _PKTINFO6.size:
                octets, interface = _PKTINFO6.unpack_from(data)
                source = IPv6Address(octets)
            case (socket.IPPROTO_IP, socket.IP_TOS) if data:
                ecn = data[0] & _ECN_BITS
            case (socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if len(data) >= _INT.size:
                ecn = _INT.unpack_from(data)[0] & _ECN_BITS
    return Path(_endpoint_of(name), source, interface), size, ecn


def _control_messages(control: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield level, type and data of each (cmsg(3))."""
    at = 0
    while at + _CMSGHDR.size <= len(control):
        length, level, kind = _CMSGHDR.unpack_from(control, at)
        if length < _CMSGHDR.size:
            return
        yield level, kind, control[at + _CMSGHDR.size : at + length]
        at += -(-length // _WORD) * _WORD


def _endpoint_of(name: bytes) -> Endpoint:
    if _FAMILY.unpack_from(name)[0] == socket.AF_INET:
        port, octets = _SOCKADDR_IN.unpack_from(name)
        return Endpoint(IPv4Address(octets), port)
    port, octets = _SOCKADDR_IN6.unpack_from(name)
    return Endpoint(IPv6Address(octets), port, _SCOPE_ID.unpack_from(name)[0])


def _address_of(buffer: bytearray | memoryview) -> int:
    return ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))
