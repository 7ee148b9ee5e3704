"""Super-packets: cut on the way out, joined on the way in (pure).

A TUN with offloads hands out packets of up to 64 KiB that the kernel would have
cut before a network card, and takes such packets in.  Crossing the TUN once for
forty packets is most of what makes an engine fast.

Inner checksums.  What leaves gets complete ones.  What is joined on the way in
is written with VIRTIO_NET_HDR_F_NEEDS_CSUM: WireGuard has authenticated every
octet, so the old checksums are not verified here; a packet that was damaged
before it entered the tunnel would come out repaired.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.datapath.checksum import complement, words_sum

NEEDS_CSUM = 1
"""VIRTIO_NET_HDR_F_NEEDS_CSUM."""

GSO_NONE = 0
GSO_TCPV4 = 1
GSO_TCPV6 = 4
GSO_UDP_L4 = 5
GSO_ECN = 0x80
"""VIRTIO_NET_HDR_GSO_*."""

PLAIN = VirtioNetHeader()

MAX_PACKET_LENGTH = 65535

MAX_RUN_LENGTH = 512
"""Packets; writev(2) takes 1024 parts."""

_TCP = 6
_UDP = 17
_FIN, _PSH, _ACK, _CWR = 0x01, 0x08, 0x10, 0x80

_U16 = struct.Struct("!H")
_U32 = struct.Struct("!I")
_LITTLE_U16 = struct.Struct("<H")


class MalformedPacketError(ValueError):
    """The header and the packet do not fit together."""


def complete(header: VirtioNetHeader, packet: memoryview) -> Sequence[Buffer]:
    """Return the IP packets that a read from the TUN stands for, cut and checksummed.

    Raise MalformedPacketError when header and packet do not fit together.
    """
    if len(packet) > MAX_PACKET_LENGTH:
        raise MalformedPacketError
    kind = header.gso_type & ~GSO_ECN
    if kind == GSO_NONE:
        return (_checksummed(header, packet) if header.flags & NEEDS_CSUM else packet,)
    if header.gso_size == 0 or header.csum_start + 8 > len(packet):
        raise MalformedPacketError
    if kind in (GSO_TCPV4, GSO_TCPV6):
        return _cut_tcp(header, packet)
    if kind == GSO_UDP_L4:
        return _cut_udp(header, packet)
    raise MalformedPacketError


def _checksummed(header: VirtioNetHeader, packet: memoryview) -> bytearray:
    """Complete the checksum; the field already holds the sum of the pseudo-header."""
    start, field_at = header.csum_start, header.csum_start + header.csum_offset
    if field_at + 2 > len(packet):
        raise MalformedPacketError
    octets = bytearray(packet)
    stored = complement(words_sum(packet[start:]))
    if stored == b"\0\0" and header.csum_offset == 6:  # UDP: zero would say "none"
        stored = b"\xff\xff"
    octets[field_at : field_at + 2] = stored
    return octets


def _cut_tcp(header: VirtioNetHeader, packet: memoryview) -> list[bytes]:
    at, size, end = header.csum_start, header.gso_size, len(packet)
    if at + 20 > end:
        raise MalformedPacketError
    payload_at = at + (packet[at + 12] >> 4) * 4
    if payload_at < at + 20 or payload_at >= end:
        raise MalformedPacketError
    template = bytearray(packet[:payload_at])
    ip = _IpHeader(template, at, _TCP)
    (sequence,) = _U32.unpack_from(template, at + 4)
    flags = template[at + 13]
    template[at + 4 : at + 8] = bytes(4)
    template[at + 13] = 0
    template[at + 16 : at + 18] = bytes(2)
    constant = words_sum(template[at:])
    pseudo = ip.fit(payload_at - at + size)
    segments: list[bytes] = []
    for start in range(payload_at, end, size):
        payload = packet[start : start + size]
        kept = flags & ~(_FIN | _PSH | _CWR)
        if start == payload_at:
            kept |= flags & _CWR
        if start + size >= end:
            kept |= flags & (_FIN | _PSH)
            pseudo = ip.fit(payload_at - at + len(payload))
        ip.count()
        total = constant + pseudo + words_sum(payload) + _swapped(sequence + kept)
        _U32.pack_into(template, at + 4, sequence)
        template[at + 13] = kept
        _LITTLE_U16.pack_into(template, at + 16, 65535 - total % 65535)
        segments.append(b"".join((template, payload)))
        sequence = (sequence + size) & 0xFFFFFFFF
    return segments


def _cut_udp(header: VirtioNetHeader, packet: memoryview) -> list[bytes]:
    at, size, end = header.csum_start, header.gso_size, len(packet)
    payload_at = at + 8
    if payload_at >= end:
        raise MalformedPacketError
    template = bytearray(packet[:payload_at])
    ip = _IpHeader(template, at, _UDP)
    template[at + 4 : at + 8] = bytes(4)
    constant = words_sum(template[at:])
    segments: list[bytes] = []
    for start in range(payload_at, end, size):
        payload = packet[start : start + size]
        length = 8 + len(payload)
        total = constant + ip.fit(length) + words_sum(payload) + _swapped(length)
        ip.count()
        _U16.pack_into(template, at + 4, length)
        # zero would say that there is no checksum
        _LITTLE_U16.pack_into(template, at + 6, 65535 - total % 65535 or 65535)
        segments.append(b"".join((template, payload)))
    return segments


class _IpHeader:
    """The IP header at the front of a template, and the sum of the pseudo-header."""

    __slots__ = ("_at", "_constant", "_identification", "_is_ipv4", "_pseudo", "_template")

    def __init__(self, template: bytearray, transport_at: int, protocol: int) -> None:
        version = template[0] >> 4
        self._template, self._at = template, transport_at
        self._is_ipv4 = version == 4
        self._constant = self._identification = 0
        if version == 4 and transport_at >= 20:
            addresses = template[12:20]
            (self._identification,) = _U16.unpack_from(template, 4)
        elif version == 6 and transport_at >= 40:
            addresses = template[8:40]
        else:
            raise MalformedPacketError
        self._pseudo = words_sum(addresses) + _swapped(protocol)

    def fit(self, transport_length: int) -> int:
        """Set the length; return the sum of the pseudo-header."""
        template = self._template
        if self._is_ipv4:
            _U16.pack_into(template, 2, min(MAX_PACKET_LENGTH, self._at + transport_length))
            template[4:6] = template[10:12] = bytes(2)
            self._constant = words_sum(template[: self._at])
        else:
            length = min(MAX_PACKET_LENGTH, self._at - 40 + transport_length)
            _U16.pack_into(template, 4, length)
        return self._pseudo + _swapped(transport_length)

    def count(self) -> None:
        """Set the next identification, and the header's checksum; IPv6 has neither."""
        if self._is_ipv4:
            identification = self._identification
            total = self._constant + _swapped(identification)
            _U16.pack_into(self._template, 4, identification)
            _LITTLE_U16.pack_into(self._template, 10, 65535 - total % 65535)
            self._identification = (identification + 1) & 0xFFFF


def _swapped(number: int) -> int:
    """Return what a big-endian number adds to a sum of little-endian words, modulo 65535.

    Exchanging the octets of a word is multiplying it by 256, modulo 65535.
    """
    return number << 8


# -- joining -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """Consecutive packets of one flow that can go to the TUN as one."""

    key: int
    gso_type: int
    transport_at: int
    payload_at: int
    segment_size: int
    next_sequence: int
    next_identification: int
    length: int
    is_closed: bool
    packets: list[bytes] = field(default_factory=list)


class _Segment(NamedTuple):
    """What of a packet decides whether it joins a run."""

    key: int
    """The headers as one number, without the fields in which packets of a run differ."""
    gso_type: int
    transport_at: int
    payload_at: int
    sequence: int
    identification: int
    ends_run: bool
    """It carries PSH: no packet joins after it."""


class Coalescer:
    """Join consecutive packets of a flow into runs to be written, in order.

    Only neighbours are joined: a packet of another flow ends the run.  That keeps
    the order of the tunnel, and a sender cuts a flow's super-packet in one go.
    """

    __slots__ = ("_joins_tcp", "_joins_udp", "_run")

    def __init__(self, *, joins_tcp: bool, joins_udp: bool) -> None:
        self._run: _Run | None = None
        self._joins_tcp = joins_tcp
        self._joins_udp = joins_udp

    def add(self, packet: bytes) -> list[bytes]:
        """Take in the next packet, without padding; return a finished run, or an empty list."""
        segment = _classify(packet, joins_tcp=self._joins_tcp, joins_udp=self._joins_udp)
        run = self._run
        if segment is not None and run is not None and _joins(run, segment, len(packet)):
            _join(run, segment, packet)
            return []
        self._run = _begin(segment, packet)
        return run.packets if run is not None else []

    def flush(self) -> list[bytes]:
        """Return the run that is open, or an empty list."""
        run, self._run = self._run, None
        return run.packets if run is not None else []


def _classify(packet: bytes, *, joins_tcp: bool, joins_udp: bool) -> _Segment | None:
    """Return what can be joined of a packet that `inner_length` found sound, or None."""
    if packet[0] == 0x45:
        protocol, at = packet[9], 20
        # a fragment, or the flag for more of them, or the reserved bit
        if packet[6] & 0xBF or packet[7]:
            return None
        # with DF set the identification means nothing (RFC 6864 §4.1)
        identification = -1 if packet[6] & 0x40 else packet[4] << 8 | packet[5]
    elif packet[0] >> 4 == 6:
        protocol, at, identification = packet[6], 40, -1
    else:
        return None
    if protocol == _TCP and joins_tcp and len(packet) > at + 20:
        return _classify_tcp(packet, at, identification)
    if protocol == _UDP and joins_udp and len(packet) > at + 8:
        return _classify_udp(packet, at, identification)
    return None


def _classify_tcp(packet: bytes, at: int, identification: int) -> _Segment | None:
    payload_at = at + (packet[at + 12] >> 4) * 4
    flags = packet[at + 13]
    if flags & ~_PSH != _ACK or not at + 20 <= payload_at < len(packet):
        return None
    key = int.from_bytes(packet[:payload_at], "big") & _shared_bits(_TCP, at, payload_at)
    gso_type = GSO_TCPV4 if at == 20 else GSO_TCPV6
    (sequence,) = _U32.unpack_from(packet, at + 4)
    return _Segment(key, gso_type, at, payload_at, sequence, identification, flags & _PSH != 0)


def _classify_udp(packet: bytes, at: int, identification: int) -> _Segment | None:
    (length,) = _U16.unpack_from(packet, at + 4)
    if packet[at + 6 : at + 8] == b"\0\0" or length != len(packet) - at:
        return None
    key = int.from_bytes(packet[: at + 8], "big") & _shared_bits(_UDP, at, at + 8)
    return _Segment(key, GSO_UDP_L4, at, at + 8, 0, identification, False)


@lru_cache
def _shared_bits(protocol: int, at: int, payload_at: int) -> int:
    """Return a mask over the headers, big-endian: 1 where packets of a run must agree."""
    mask = bytearray(b"\xff" * payload_at)
    # total length and identification, header checksum; or the payload length of IPv6
    free = [(2, 6), (10, 12)] if at == 20 else [(4, 6)]
    # sequence number, checksum; or length and checksum
    free += [(at + 4, at + 8), (at + 16, at + 18)] if protocol == _TCP else [(at + 4, at + 8)]
    for start, end in free:
        mask[start:end] = bytes(end - start)
    if protocol == _TCP:
        mask[at + 13] ^= _PSH
    return int.from_bytes(mask, "big")


def _begin(segment: _Segment | None, packet: bytes) -> _Run:
    if segment is None:
        return _Run(0, GSO_NONE, 0, 0, 0, 0, 0, len(packet), True, [packet])
    size = len(packet) - segment.payload_at
    return _Run(
        key=segment.key,
        gso_type=segment.gso_type,
        transport_at=segment.transport_at,
        payload_at=segment.payload_at,
        segment_size=size,
        next_sequence=(segment.sequence + size) & 0xFFFFFFFF,
        next_identification=_next_identification(segment),
        length=len(packet),
        is_closed=segment.ends_run,
        packets=[packet],
    )


def _joins(run: _Run, segment: _Segment, length: int) -> bool:
    size = length - segment.payload_at
    return (
        not run.is_closed
        and segment.key == run.key
        and segment.gso_type == run.gso_type
        and (segment.gso_type == GSO_UDP_L4 or segment.sequence == run.next_sequence)
        and segment.identification == run.next_identification
        and size <= run.segment_size
        and len(run.packets) < MAX_RUN_LENGTH
        and run.length + size <= MAX_PACKET_LENGTH
    )


def _join(run: _Run, segment: _Segment, packet: bytes) -> None:
    size = len(packet) - segment.payload_at
    run.packets.append(packet)
    run.length += size
    run.next_sequence = (segment.sequence + size) & 0xFFFFFFFF
    run.next_identification = _next_identification(segment)
    run.is_closed = segment.ends_run or size < run.segment_size


def _next_identification(segment: _Segment) -> int:
    return -1 if segment.identification < 0 else (segment.identification + 1) & 0xFFFF


def join(packets: Sequence[bytes]) -> tuple[VirtioNetHeader, list[Buffer]]:
    """Return a run of `Coalescer` as one super-packet: its header and its parts."""
    first, last = packets[0], packets[-1]
    if len(packets) == 1:
        return PLAIN, [first]
    is_ipv4 = first[0] >> 4 == 4
    at = 20 if is_ipv4 else 40
    is_tcp = first[9 if is_ipv4 else 6] == _TCP
    payload_at = at + (first[at + 12] >> 4) * 4 if is_tcp else at + 8
    template = bytearray(first[:payload_at])
    transport_length = payload_at - at + sum(len(packet) - payload_at for packet in packets)
    ip = _IpHeader(template, at, _TCP if is_tcp else _UDP)
    # the checksum field takes the pseudo-header's sum, not its complement
    pseudo = ip.fit(transport_length) % 65535
    ip.count()
    if is_tcp:
        template[at + 13] |= last[at + 13] & _PSH
        offset = 16
    else:
        _U16.pack_into(template, at + 4, transport_length)
        offset = 6
    template[at + offset : at + offset + 2] = pseudo.to_bytes(2, "little")
    kind = (GSO_TCPV4 if is_ipv4 else GSO_TCPV6) if is_tcp else GSO_UDP_L4
    size = len(first) - payload_at
    header = VirtioNetHeader(NEEDS_CSUM, kind, payload_at, size, at, offset)
    return header, [template, *_payloads(packets, payload_at)]


def _payloads(packets: Sequence[bytes], payload_at: int) -> Iterator[Buffer]:
    for packet in packets:
        yield memoryview(packet)[payload_at:]


def inner_length(packet: Buffer) -> int:
    """Return how long an IP packet says it is, in octets; 0 if it cannot be one.

    0 is for: neither version 4 nor 6, shorter than its header, or its header
    claiming more than there is.
    """
    available = len(packet)
    if available < 20:
        return 0
    version = packet[0] >> 4
    if version == 4:
        length = packet[2] << 8 | packet[3]
        least = (packet[0] & 0xF) * 4
        return length if least >= 20 and least <= length <= available else 0
    if version == 6 and available >= 40:
        length = 40 + (packet[4] << 8 | packet[5])
        return length if length <= available else 0
    return 0
