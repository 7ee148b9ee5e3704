"""Packets of one flow joined to super-packets, on the way in (pure).

Only neighbours are joined: a packet of another flow ends the run.  That keeps
the order of the tunnel, and a sender cuts a flow's super-packet in one go.

Packets come singly, or as the rows of one receive.  Rows are looked at all at
once: their headers, end to end, are one large number, and shifting it by one
header lays each header upon its neighbour's: the highest bit that differs tells
where another flow begins, or the same one with another window or timestamp.  What
one packet must do to join a run is said twice, then, in `_joins` and in `_survey`,
and must be the same.

What is joined is written with VIRTIO_NET_HDR_F_NEEDS_CSUM: WireGuard has
authenticated every octet, so the old checksums are not verified here; a packet
that was damaged before it entered the tunnel comes out repaired.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.datapath.checksum import complement, words_sum
from netstart_wg.datapath.offload import (
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP_L4,
    MAX_PACKET_LENGTH,
    NEEDS_CSUM,
    PLAIN,
    TCP,
    UDP,
    inner_length,
    pseudo_header_sum,
)
from netstart_wg.datapath.rows import LaidPackets

MAX_RUN_LENGTH = 512
"""Packets; writev(2) takes 1024 parts."""

_MOST_FLOWS = 4
"""In the rows of one receive; if there are more, they are looked at one by one."""

_COUNTS_REMEMBERED = 512
"""Of kinds of headers and how many of them lie end to end."""

_PSH, _ACK = 0x08, 0x10

_U16 = struct.Struct("!H")
_U32 = struct.Struct("!I")


@dataclass(slots=True)
class _Run:
    """Consecutive packets of one flow that can go to the TUN as one."""

    key: int
    gso_type: int
    payload_at: int
    segment_size: int
    next_sequence: int
    next_identification: int
    length: int
    is_closed: bool
    packets: list[Buffer]
    payloads: list[Buffer]
    """Of the packets: what follows the headers."""
    kept: int = 0
    """How many of them, from the first on, are copies."""


class _Segment(NamedTuple):
    """What of a packet, or of several that follow one another, decides whether they join a run."""

    key: int
    """The headers as one number, without the fields in which packets of a run differ."""
    gso_type: int
    transport_at: int
    payload_at: int
    sequence: int
    """Of the first one."""
    identification: int
    """Of the first one; -1 where it means nothing."""
    ends_run: bool
    """The last one carries PSH: no packet joins after it."""


class Part(NamedTuple):
    """Packets that follow one another; all as long as the first, but the last may be shorter."""

    segment: _Segment
    packets: Sequence[Buffer]
    payloads: Sequence[Buffer]


Finish = Callable[[Sequence[Buffer], Sequence[Buffer]], None]
"""To whom a run goes: its packets, and what follows the headers in each (see `join`)."""


class Coalescer:
    """Join consecutive packets of a flow into runs, and hand on each, in order, to be written."""

    __slots__ = ("_finish", "_joins_tcp", "_joins_udp", "_run")

    def __init__(self, finish: Finish, *, joins_tcp: bool, joins_udp: bool) -> None:
        self._run: _Run | None = None
        self._finish = finish
        self._joins_tcp = joins_tcp
        self._joins_udp = joins_udp

    def add(self, packet: bytes) -> None:
        """Take in the next packet, without padding."""
        segment = _classify(packet, joins_tcp=self._joins_tcp, joins_udp=self._joins_udp)
        if segment is None:
            self.flush()
            self._finish((packet,), ())
            return
        part = _alone(segment, packet)
        if self._run is not None and _joins(self._run, part):
            _extend(self._run, part)
        else:
            self.flush()
            self._run = _begin(part)

    def parts_of(self, laid: LaidPackets) -> Sequence[Part]:
        """Return packets of one receive, which may be padded, in parts; none if they are unlike."""
        packets = laid.packets
        if len(packets) > MAX_RUN_LENGTH:
            return ()
        parts: list[Part] = []
        start = 0
        for _ in range(_MOST_FLOWS):
            packet = bytes(packets[start])
            packet = packet[: inner_length(packet)]
            first = packet and _classify(
                packet, joins_tcp=self._joins_tcp, joins_udp=self._joins_udp
            )
            if not first:
                return ()
            headers = _headers(laid, start, first)
            end = start + _count_alike(headers, first)
            found = _survey(laid, range(start, end), headers, first, len(packet))
            if not found:
                return ()
            parts += found
            if end == len(packets):
                return parts
            start = end
        return ()

    def add_part(self, part: Part) -> None:
        """Take in a part; what stays open lies in the rows that it is made of: see `keep`."""
        run = self._run
        if run is not None and _joins(run, part):
            _extend(run, part)
        elif run is not None and _joins(run, _alone(part.segment, part.packets[0])):
            for packet in part.packets:  # not all of them
                self.add(bytes(packet))
            return
        elif part.segment.ends_run:
            self.flush()
            self._finish(part.packets, part.payloads)
            return
        else:
            self.flush()
            self._run = run = _begin(part)
        if run.is_closed:
            self.flush()

    def keep(self) -> None:
        """Copy what is open, before the memory that its packets lie in is used again."""
        run = self._run
        if run is not None:
            copies = [bytes(packet) for packet in run.packets[run.kept :]]
            run.packets[run.kept :] = copies
            run.payloads[run.kept :] = [memoryview(copy)[run.payload_at :] for copy in copies]
            run.kept = len(run.packets)

    def flush(self) -> None:
        """Hand on the run that is open, if one is."""
        run, self._run = self._run, None
        if run is not None:
            self._finish(run.packets, run.payloads)


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
    if protocol == TCP and joins_tcp and len(packet) > at + 20:
        return _classify_tcp(packet, at, identification)
    if protocol == UDP and joins_udp and len(packet) > at + 8:
        return _classify_udp(packet, at, identification)
    return None


def _classify_tcp(packet: bytes, at: int, identification: int) -> _Segment | None:
    payload_at = at + (packet[at + 12] >> 4) * 4
    flags = packet[at + 13]
    if flags & ~_PSH != _ACK or not at + 20 <= payload_at < len(packet):
        return None
    key = int.from_bytes(packet[:payload_at], "big") & _shared_bits(TCP, at, payload_at)
    gso_type = GSO_TCPV4 if at == 20 else GSO_TCPV6
    (sequence,) = _U32.unpack_from(packet, at + 4)
    return _Segment(key, gso_type, at, payload_at, sequence, identification, flags & _PSH != 0)


def _classify_udp(packet: bytes, at: int, identification: int) -> _Segment | None:
    (length,) = _U16.unpack_from(packet, at + 4)
    if packet[at + 6 : at + 8] == b"\0\0" or length != len(packet) - at:
        return None
    key = int.from_bytes(packet[: at + 8], "big") & _shared_bits(UDP, at, at + 8)
    return _Segment(key, GSO_UDP_L4, at, at + 8, 0, identification, False)


@lru_cache(_COUNTS_REMEMBERED)
def _shared_bits(protocol: int, at: int, payload_at: int, count: int = 1) -> int:
    """Return a mask over the headers of `count` packets, end to end, big-endian.

    1 is where packets of a run must agree.
    """
    mask = bytearray(b"\xff" * payload_at)
    # total length and identification, header checksum; or the payload length of IPv6
    free = [(2, 6), (10, 12)] if at == 20 else [(4, 6)]
    # sequence number, checksum; or length and checksum
    free += [(at + 4, at + 8), (at + 16, at + 18)] if protocol == TCP else [(at + 4, at + 8)]
    for start, end in free:
        mask[start:end] = bytes(end - start)
    if protocol == TCP:
        mask[at + 13] ^= _PSH
    return int.from_bytes(mask * count, "big")


def _alone(segment: _Segment, packet: Buffer) -> Part:
    return Part(segment, (packet,), (memoryview(packet)[segment.payload_at :],))


def _begin(part: Part) -> _Run:
    segment = part.segment
    run = _Run(
        segment.key,
        segment.gso_type,
        segment.payload_at,
        len(part.payloads[0]),
        segment.sequence,
        segment.identification,
        segment.payload_at,
        False,
        [],
        [],
    )
    _extend(run, part)
    return run


def _joins(run: _Run, part: Part) -> bool:
    """Whether the packets can all follow in one run."""
    segment, payloads = part.segment, part.payloads
    count, size = len(payloads), len(payloads[0])
    return (
        not run.is_closed
        and segment.key == run.key
        and segment.gso_type == run.gso_type
        and (segment.gso_type == GSO_UDP_L4 or segment.sequence == run.next_sequence)
        and segment.identification == run.next_identification
        and (size == run.segment_size or (count == 1 and size < run.segment_size))
        and len(run.packets) + count <= MAX_RUN_LENGTH
        and run.length + size * (count - 1) + len(payloads[-1]) <= MAX_PACKET_LENGTH
    )


def _extend(run: _Run, part: Part) -> None:
    segment, packets, payloads = part
    last_size = len(payloads[-1])
    octets = run.segment_size * (len(packets) - 1) + last_size
    run.packets += packets
    run.payloads += payloads
    run.length += octets
    run.next_sequence = (segment.sequence + octets) & 0xFFFFFFFF
    if segment.identification >= 0:
        run.next_identification = (segment.identification + len(packets)) & 0xFFFF
    run.is_closed = segment.ends_run or last_size < run.segment_size


# -- rows ----------------------------------------------------------------------------------


def _headers(laid: LaidPackets, start: int, first: _Segment) -> bytes:
    """Return the headers from a packet on, end to end, if all are as long as its own."""
    size = first.payload_at
    if len(laid.packets[-1]) < size:
        return b"".join(laid.parts(0, size)[start:-1])
    return b"".join(laid.parts(0, size)[start:])


def _count_alike(headers: bytes, first: _Segment) -> int:
    """Return how many have the key of the first one."""
    size = first.payload_at
    count = len(headers) // size
    number = int.from_bytes(headers, "big")
    mask = _shared_bits(_protocol(first), first.transport_at, size, count - 1)
    differences = (number ^ number >> 8 * size) & mask
    return count - -(-differences.bit_length() // (8 * size))


def _protocol(segment: _Segment) -> int:
    return UDP if segment.gso_type == GSO_UDP_L4 else TCP


def _survey(
    laid: LaidPackets, places: range, headers: bytes, first: _Segment, length: int
) -> Sequence[Part]:
    """Return the parts that packets of one key fall into; none if they do not follow one another.

    `headers` begins with theirs.  `first` is what the first one is, `length` how long
    without padding.
    """
    payload_at, end = first.payload_at, laid.packets[places[-1]]
    last = inner_length(end)
    if not payload_at < last <= length:
        return ()
    protocol, headers = _protocol(first), headers[: len(places) * payload_at]
    fields = _fields(protocol, first.transport_at, payload_at, len(places)).unpack(headers)
    columns = [fields[column::4] for column in range(4)]
    if not _follow(columns, first, length, last):
        return ()
    chosen = slice(places.start, places.stop)
    packets, payloads = laid.parts(0, length)[chosen], laid.parts(payload_at, length)[chosen]
    packets[-1], payloads[-1] = end[:last], end[payload_at:last]
    if protocol == UDP:
        return (Part(first, packets, payloads),)
    pushes = [place for place, flags in enumerate(columns[3], 1) if flags & _PSH]
    return _split(packets, payloads, first, pushes)


@lru_cache(_COUNTS_REMEMBERED)
def _fields(protocol: int, at: int, payload_at: int, count: int) -> struct.Struct:
    """Return how to read what may differ, four numbers of each of `count` headers.

    IPv4's length and identification, or half of IPv6's flow label and its
    length; TCP's sequence number and flags, or UDP's length and checksum.
    """
    transport = f"I5xB{payload_at - at - 14}x" if protocol == TCP else "HH"
    return struct.Struct("!" + f"2xHH{at - 2}x{transport}" * count)


def _follow(
    columns: Sequence[tuple[int, ...]], first: _Segment, length: int, last_length: int
) -> bool:
    """Whether the fields of each header are those of the one before, carried on."""
    at, count = first.transport_at, len(columns[0])
    lengths = columns[0] if at == 20 else columns[1]
    identification, sequence = first.identification, first.sequence
    if lengths[:-1].count(lengths[0]) != count - 1:
        return False
    if identification >= 0 and columns[1] != tuple(range(identification, identification + count)):
        return False
    if first.gso_type == GSO_UDP_L4:
        expected = (length - at,) * (count - 1) + (last_length - at,)
        return columns[2] == expected and 0 not in columns[3]
    step = length - first.payload_at
    return columns[2] == tuple(range(sequence, sequence + count * step, step))


def _split(
    packets: Sequence[Buffer], payloads: Sequence[Buffer], first: _Segment, pushes: Sequence[int]
) -> list[Part]:
    """Return packets that follow one another in parts, each of which ends where a run does."""
    step, identification = len(payloads[0]), first.identification
    parts, start = [], 0
    for end in (*pushes, len(packets)):
        if start < end:
            segment = first._replace(
                sequence=first.sequence + start * step,
                identification=identification if identification < 0 else identification + start,
                ends_run=end in pushes,
            )
            parts.append(Part(segment, packets[start:end], payloads[start:end]))
            start = end
    return parts


# -- super-packets -------------------------------------------------------------------------


def join(
    packets: Sequence[Buffer], payloads: Sequence[Buffer]
) -> tuple[VirtioNetHeader, Sequence[Buffer]]:
    """Return a run of `Coalescer` as one super-packet: its header and its parts.

    The payloads of a single packet do not matter.
    """
    first, last = packets[0], packets[-1]
    if len(packets) == 1:
        return PLAIN, packets
    is_ipv4 = first[0] >> 4 == 4
    at = 20 if is_ipv4 else 40
    is_tcp = first[9 if is_ipv4 else 6] == TCP
    payload_at = at + (first[at + 12] >> 4) * 4 if is_tcp else at + 8
    template = bytearray(first[:payload_at])
    transport_length = payload_at - at + sum(map(len, payloads))
    protocol = TCP if is_tcp else UDP
    if is_ipv4:
        _U16.pack_into(template, 2, min(MAX_PACKET_LENGTH, at + transport_length))
        template[10:12] = bytes(2)
        template[10:12] = complement(words_sum(template[:at]))
    else:
        _U16.pack_into(template, 4, min(MAX_PACKET_LENGTH, transport_length))
    # the checksum field takes the pseudo-header's sum, not its complement
    pseudo = pseudo_header_sum(template, protocol, transport_length) % 65535
    if is_tcp:
        template[at + 13] |= last[at + 13] & _PSH
        offset = 16
    else:
        _U16.pack_into(template, at + 4, transport_length)
        offset = 6
    template[at + offset : at + offset + 2] = pseudo.to_bytes(2, "little")
    kind = (GSO_TCPV4 if is_ipv4 else GSO_TCPV6) if is_tcp else GSO_UDP_L4
    size = len(payloads[0])
    header = VirtioNetHeader(NEEDS_CSUM, kind, payload_at, size, at, offset)
    return header, [template, *payloads]
