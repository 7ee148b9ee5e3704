"""Super-packets cut into the packets they stand for, on the way out (pure).

What leaves has complete checksums: those that the kernel left to a network card
are computed here.

The packets are laid as rows, side by side, so that all headers can be written at
once: first what they have in common, then field after field what they differ
in.  The last packet may be shorter, and has flags that the others have not.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from netstart_wg.datapath.base import MAX_JOINED_OCTETS, MAX_SEGMENTS, Buffer, VirtioNetHeader
from netstart_wg.datapath.checksum import complement, complements, words_sum
from netstart_wg.datapath.offload import (
    GSO_ECN,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP_L4,
    MAX_PACKET_LENGTH,
    NEEDS_CSUM,
    TCP,
    UDP,
    MalformedPacketError,
    pseudo_header_sum,
    swapped,
)
from netstart_wg.datapath.padding import padding_length
from netstart_wg.datapath.rows import Rows
from netstart_wg.datapath.vectors import lay, segment_sums
from netstart_wg.protocol.messages import PADDING_MULTIPLE, TAG_LENGTH, TRANSPORT_HEADER_LENGTH

_FIN, _PSH, _CWR = 0x01, 0x08, 0x80

_U16 = struct.Struct("!H")
_U32 = struct.Struct("!I")
_ZEROS = bytes(PADDING_MULTIPLE)


def completed(header: VirtioNetHeader, packet: memoryview) -> Buffer:
    """Return a packet that is no super-packet with its checksum.

    Raise MalformedPacketError when header and packet do not fit together.
    """
    if len(packet) > MAX_PACKET_LENGTH:
        raise MalformedPacketError
    if not header.flags & NEEDS_CSUM:
        return packet
    # the field already holds the sum of the pseudo-header
    start, field_at = header.csum_start, header.csum_start + header.csum_offset
    if field_at + 2 > len(packet):
        raise MalformedPacketError
    octets = bytearray(packet)
    octets[field_at : field_at + 2] = complement(words_sum(packet[start:]))
    return octets


class SuperPacket(NamedTuple):
    """What the kernel would have cut before a network card."""

    packet: memoryview
    protocol: int
    at: int
    """Where the transport header begins, octets; before it there is nothing but IP."""
    payload_at: int
    size: int
    """Octets of content in each packet but the last, which may have fewer; at least 1."""

    @property
    def length(self) -> int:
        """Octets of each packet but the last."""
        return self.payload_at + self.size


def super_packet(header: VirtioNetHeader, packet: memoryview) -> SuperPacket:
    """Return what is to be cut; raise MalformedPacketError when it does not fit its header."""
    at, end, kind = header.csum_start, len(packet), header.gso_type & ~GSO_ECN
    if end > MAX_PACKET_LENGTH or header.gso_size == 0:
        raise MalformedPacketError
    if at + 8 > end or at < {4: 20, 6: 40}.get(packet[0] >> 4, end):
        raise MalformedPacketError
    if kind == GSO_UDP_L4:
        protocol, payload_at = UDP, at + 8
    elif kind in (GSO_TCPV4, GSO_TCPV6) and at + 20 <= end:
        protocol, payload_at = TCP, at + (packet[at + 12] >> 4) * 4
    else:
        raise MalformedPacketError
    if payload_at >= end or (protocol == TCP and payload_at < at + 20):
        raise MalformedPacketError
    size = min(header.gso_size, end - payload_at)
    return SuperPacket(packet=packet, protocol=protocol, at=at, payload_at=payload_at, size=size)


class Segments(NamedTuple):
    """Packets of one super-packet, as many as are sent in one go."""

    rows: Sequence[memoryview]
    """With padding: all of one length, but the last may be shorter."""
    length: int
    """Octets of each but the last, without padding."""
    last_length: int

    def packets(self) -> Iterator[bytes]:
        """Yield copies without padding."""
        for row in self.rows[:-1]:
            yield bytes(row[: self.length])
        yield bytes(self.rows[-1][: self.last_length])


class Cutter:
    """The rows that packets are laid in."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows = Rows()

    def cut(self, whole: SuperPacket, limit: int) -> Iterator[Segments]:
        """Yield the packets, padded within `limit`; what was yielded before is overwritten."""
        stride = whole.length + padding_length(whole.length, limit)
        message = stride + TRANSPORT_HEADER_LENGTH + TAG_LENGTH
        most = max(1, min(MAX_SEGMENTS, MAX_JOINED_OCTETS // message))
        payload = whole.packet[whole.payload_at :]
        for start in range(0, len(payload), most * whole.size):
            part = payload[start : start + most * whole.size]
            is_last = start + len(part) == len(payload)
            yield self._lay(whole, start // whole.size, part, stride, limit, is_last=is_last)

    def _lay(
        self,
        whole: SuperPacket,
        first: int,
        payload: memoryview,
        stride: int,
        limit: int,
        *,
        is_last: bool,
    ) -> Segments:
        """Lay the packets from number `first` on, with the content they have together."""
        rows, size, length = self._rows, whole.size, whole.length
        count = -(-len(payload) // size)
        missing = count * size - len(payload)
        template = _template(whole)
        lay(template, payload, size, rows, stride)
        if length < stride:
            for part in rows.parts(stride, length, stride, count):
                part[:] = _ZEROS[: stride - length]
        sums = segment_sums(payload, size)
        laid = rows.parts(stride, 0, stride, count)
        if whole.protocol == TCP:
            _write_tcp(rows, stride, whole, template, first, sums, missing, is_last=is_last)
        else:
            _write_udp(rows, stride, whole, template, sums, missing)
        _write_ip(rows, stride, whole, template, first, count, missing)
        if missing:
            padding = padding_length(length - missing, limit)
            laid[-1] = laid[-1][: length - missing + padding]
            laid[-1][length - missing :] = _ZEROS[:padding]
        return Segments(laid, length, length - missing)


def _template(whole: SuperPacket) -> bytearray:
    """Return the headers of a packet of full length, all zeros where packets differ."""
    octets, at = bytearray(whole.packet[: whole.payload_at]), whole.at
    if octets[0] >> 4 == 4:
        _U16.pack_into(octets, 2, whole.length)
        octets[4:6] = octets[10:12] = bytes(2)
    else:
        _U16.pack_into(octets, 4, whole.length - 40)
    if whole.protocol == TCP:
        octets[at + 4 : at + 8] = bytes(4)
        octets[at + 13] &= ~(_FIN | _PSH | _CWR)
        octets[at + 16 : at + 18] = bytes(2)
    else:
        _U16.pack_into(octets, at + 4, whole.length - at)
        octets[at + 6 : at + 8] = bytes(2)
    return octets


def _write_ip(
    rows: Rows,
    stride: int,
    whole: SuperPacket,
    template: bytearray,
    first: int,
    count: int,
    missing: int,
) -> None:
    """Write IPv4's identifications and checksums; and the length of the last, in either version."""
    last_at = (count - 1) * stride
    if template[0] >> 4 == 6:
        _U16.pack_into(rows.buffer, last_at + 4, whole.length - 40 - missing)
        return
    (identification,) = _U16.unpack_from(whole.packet, 4)
    identifications = _following(identification + first, 1, count, 1 << 16)
    # in network order: one more in the identification is one less in the checksum
    zeroth = int.from_bytes(complement(words_sum(template[: whole.at])), "big")
    checksum = (zeroth - identifications[0] - 1) % 65535 + 1
    checksums: Sequence[int] = range(checksum, checksum - count, -1)
    if checksum < count or isinstance(identifications, list):  # somewhere it begins again
        checksums = [(zeroth - each - 1) % 65535 + 1 for each in identifications]
    rows.set_numbers(stride, 4, struct.pack(f"!{count}H", *identifications), 2)
    rows.set_numbers(stride, 10, struct.pack(f"!{count}H", *checksums), 2)
    if missing:
        checksum = (zeroth - identifications[-1] + missing - 1) % 65535 + 1
        _U16.pack_into(rows.buffer, last_at + 2, whole.length - missing)
        _U16.pack_into(rows.buffer, last_at + 10, checksum)


def _following(start: int, step: int, count: int, modulus: int) -> Sequence[int]:
    """Return so many numbers of a header's field, each `step` more than the one before."""
    start %= modulus
    numbers = range(start, start + count * step, step)
    return numbers if numbers[-1] < modulus else [number % modulus for number in numbers]


def _write_tcp(
    rows: Rows,
    stride: int,
    whole: SuperPacket,
    template: bytearray,
    first: int,
    sums: list[int],
    missing: int,
    *,
    is_last: bool,
) -> None:
    """Write sequence numbers, flags and checksums, given the sums of the content."""
    at, count, flags = whole.at, len(sums), whole.packet[whole.at + 13]
    (sequence,) = _U32.unpack_from(whole.packet, at + 4)
    sequences = _following(sequence + first * whole.size, whole.size, count, 1 << 32)
    constant = words_sum(template[at:]) + _pseudo_header_sum(whole, template)
    first_flags = flags & _CWR if first == 0 else 0
    last_flags = flags & (_FIN | _PSH) if is_last else 0
    sums[0] += swapped(first_flags)
    sums[-1] += swapped(last_flags - missing)
    rows.set_numbers(stride, at + 4, struct.pack(f"!{count}I", *sequences), 4)
    start, step = constant + swapped(sequences[0]), swapped(whole.size)
    others: Sequence[int] = range(start, start + count * step, step)
    if isinstance(sequences, list):  # somewhere it begins again
        others = [constant + swapped(each) for each in sequences]
    rows.set_numbers(stride, at + 16, complements(sums, others), 2)
    rows.buffer[at + 13] |= first_flags
    rows.buffer[(count - 1) * stride + at + 13] |= last_flags


def _write_udp(
    rows: Rows,
    stride: int,
    whole: SuperPacket,
    template: bytearray,
    sums: list[int],
    missing: int,
) -> None:
    """Write checksums, given the sums of the content, and the length of the last."""
    at, count = whole.at, len(sums)
    constant = words_sum(template[at:]) + _pseudo_header_sum(whole, template)
    sums[-1] -= 2 * swapped(missing)  # the length counts in the pseudo-header, too
    rows.set_numbers(stride, at + 6, complements(sums, [constant] * count), 2)
    _U16.pack_into(rows.buffer, (count - 1) * stride + at + 4, whole.length - at - missing)


def _pseudo_header_sum(whole: SuperPacket, template: bytearray) -> int:
    """Return what the pseudo-header of a packet of full length adds."""
    return pseudo_header_sum(template, whole.protocol, whole.length - whole.at)
