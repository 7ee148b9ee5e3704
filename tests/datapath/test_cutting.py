"""Super-packets of every shape, cut, against packets made by the book.  With numpy and without."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netstart_wg.datapath import vectors
from netstart_wg.datapath.base import MAX_JOINED_OCTETS, MAX_SEGMENTS, VirtioNetHeader
from netstart_wg.datapath.cutting import Cutter, Segments, super_packet
from netstart_wg.datapath.offload import (
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP_L4,
    NEEDS_CSUM,
)
from netstart_wg.datapath.padding import padding_length
from tests.datapath.packets import ACK, CWR, FIN, PSH, tcp_segment, udp_datagram
from tests.datapath.test_vectors import with_and_without_numpy

V4, V6 = ("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")
LIMIT = 1420
CUTTER = Cutter()
"""One for all: nothing may be left of what was cut before."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """A stream of content in packets of so many octets."""

    ends: tuple[str, str]
    is_udp: bool
    size: int
    length: int
    flags: int
    options: bytes
    sequence: int
    identification: int
    tos: int

    def packet(self, start: int, stop: int, *, number: int, flags: int) -> bytes:
        content = bytes((self.sequence + at * 7 + at // 251) & 0xFF for at in range(start, stop))
        identification = (self.identification + number) & 0xFFFF
        if self.is_udp:
            return udp_datagram(*self.ends, content, identification=identification, tos=self.tos)
        return tcp_segment(
            *self.ends,
            content,
            sequence=self.sequence + start,
            flags=flags,
            options=self.options,
            identification=identification,
            tos=self.tos,
        )

    def whole(self) -> tuple[VirtioNetHeader, bytes]:
        is_ipv4 = self.ends is V4
        kind = GSO_UDP_L4 if self.is_udp else GSO_TCPV4 if is_ipv4 else GSO_TCPV6
        at, offset = 20 if is_ipv4 else 40, 6 if self.is_udp else 16
        header = VirtioNetHeader(NEEDS_CSUM, kind, 0, self.size, at, offset)
        return header, self.packet(0, self.length, number=0, flags=self.flags)

    def by_the_book(self) -> list[bytes]:
        starts = range(0, self.length, self.size)
        packets = []
        for number, start in enumerate(starts):
            flags = self.flags & ~(FIN | PSH | CWR)
            if number == 0:
                flags |= self.flags & CWR
            if start == starts[-1]:
                flags |= self.flags & (FIN | PSH)
            stop = min(self.length, start + self.size)
            packets.append(self.packet(start, stop, number=number, flags=flags))
        return packets


shapes = st.builds(
    Shape,
    ends=st.sampled_from([V4, V6]),
    is_udp=st.booleans(),
    size=st.integers(1, 40) | st.sampled_from([100, 501, 1348, 1367, 1368, 1380, 1400]),
    length=st.integers(1, 5000),
    flags=st.integers(0, 255).map(lambda flags: flags | ACK),
    options=st.sampled_from([b"", bytes.fromhex("0101080a0000000100000002")]),
    sequence=st.integers(0, 2**32 - 1) | st.just(2**32 - 1500),
    identification=st.integers(0, 0xFFFF) | st.just(0xFFFE),
    tos=st.integers(0, 255),
)


def check(segments: Segments) -> None:
    """See to it that they can be sealed and sent in one go."""
    rows = [bytes(row) for row in segments.rows]
    assert all(len(row) == len(rows[0]) for row in rows[:-1])
    assert len(rows[-1]) <= len(rows[0])
    assert len(rows) == 1 or len(rows) <= MAX_SEGMENTS
    assert len(rows) == 1 or sum(len(row) + 32 for row in rows) <= MAX_JOINED_OCTETS
    for row, packet in zip(rows, segments.packets(), strict=True):
        assert row == packet + bytes(padding_length(len(packet), LIMIT))


@with_and_without_numpy
@settings(max_examples=120, deadline=None)
@given(shape=shapes)
def test_packets_are_those_that_the_kernel_would_have_sent(numpy: bool, shape: Shape) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "HAS_NUMPY", numpy)
        header, packet = shape.whole()
        cut: list[bytes] = []
        for segments in CUTTER.cut(super_packet(header, memoryview(packet)), LIMIT):
            check(segments)
            cut += segments.packets()
    assert cut == shape.by_the_book()


@with_and_without_numpy
def test_a_super_packet_too_long_for_one_send_is_cut_for_several(numpy: bool) -> None:
    shape = Shape(V4, False, 1000, 65_000, ACK | PSH | CWR, b"", 2**32 - 5000, 0xFFF0, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "HAS_NUMPY", numpy)
        header, packet = shape.whole()
        batches = [
            list(segments.packets())
            for segments in CUTTER.cut(super_packet(header, memoryview(packet)), LIMIT)
        ]
    assert [len(batch) for batch in batches] == [60, 5]
    assert list(itertools.chain(*batches)) == shape.by_the_book()
