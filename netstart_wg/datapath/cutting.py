"""Super-packets cut into the packets they stand for, on the way out (pure).

What leaves has complete checksums: those that the kernel left to a network card
are computed here.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.datapath.checksum import complement, words_sum
from netstart_wg.datapath.offload import (
    GSO_ECN,
    GSO_NONE,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP_L4,
    MAX_PACKET_LENGTH,
    NEEDS_CSUM,
    TCP,
    UDP,
    IpHeader,
    MalformedPacketError,
    swapped,
)

_FIN, _PSH, _CWR = 0x01, 0x08, 0x80

_U16 = struct.Struct("!H")
_U32 = struct.Struct("!I")
_LITTLE_U16 = struct.Struct("<H")


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
    ip = IpHeader(template, at, TCP)
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
        total = constant + pseudo + words_sum(payload) + swapped(sequence + kept)
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
    ip = IpHeader(template, at, UDP)
    template[at + 4 : at + 8] = bytes(4)
    constant = words_sum(template[at:])
    segments: list[bytes] = []
    for start in range(payload_at, end, size):
        payload = packet[start : start + size]
        length = 8 + len(payload)
        total = constant + ip.fit(length) + words_sum(payload) + swapped(length)
        ip.count()
        _U16.pack_into(template, at + 4, length)
        # zero would say that there is no checksum
        _LITTLE_U16.pack_into(template, at + 6, 65535 - total % 65535 or 65535)
        segments.append(b"".join((template, payload)))
    return segments
