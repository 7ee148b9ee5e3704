"""Cutting and joining super-packets, against packets made by the book."""

from __future__ import annotations

import contextlib
import itertools
import os
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.datapath.cutting import Cutter, completed, super_packet
from netstart_wg.datapath.joining import Coalescer
from netstart_wg.datapath.joining import join as join_payloads
from netstart_wg.datapath.offload import (
    GSO_ECN,
    GSO_NONE,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP_L4,
    NEEDS_CSUM,
    PLAIN,
    MalformedPacketError,
    inner_length,
)
from tests.datapath.packets import (
    ACK,
    CWR,
    FIN,
    PSH,
    SYN,
    ip_packet,
    tcp_segment,
    udp_datagram,
)

V4 = ("10.0.0.1", "10.0.0.2")
V6 = ("fd00::1", "fd00::2")
TIMESTAMPS = bytes.fromhex("0101080a0000000100000002")
families = pytest.mark.parametrize("ends", [V4, V6], ids=["IPv4", "IPv6"])


def transport_at(ends: tuple[str, str]) -> int:
    return 20 if ends is V4 else 40


def cut(header: VirtioNetHeader, packet: bytes) -> list[bytes]:
    if header.gso_type & ~GSO_ECN == GSO_NONE:
        return [bytes(completed(header, memoryview(packet)))]
    whole = super_packet(header, memoryview(packet))
    return [each for segments in Cutter().cut(whole, 1420) for each in segments.packets()]


def joined(packets: Sequence[bytes], *, tcp: bool = True, udp: bool = True) -> list[list[bytes]]:
    runs: list[list[bytes]] = []
    coalescer = Coalescer(
        lambda packets, _: runs.append([bytes(packet) for packet in packets]),
        joins_tcp=tcp,
        joins_udp=udp,
    )
    for packet in packets:
        coalescer.add(packet)
    coalescer.flush()
    return runs


def whole(parts: Sequence[Buffer]) -> bytes:
    return b"".join(bytes(part) for part in parts)


# -- cutting ---------------------------------------------------------------------------


@families
@pytest.mark.parametrize("options", [b"", TIMESTAMPS], ids=["bare", "timestamps"])
def test_a_tcp_super_packet_is_cut_into_the_segments_that_the_kernel_would_have_sent(
    ends: tuple[str, str], options: bytes
) -> None:
    payload = os.urandom(1000 * 3 + 501)
    at = transport_at(ends)
    packet = tcp_segment(
        *ends, payload, sequence=0xFFFFFC00, flags=ACK | PSH | FIN, options=options,
        partial_checksum=True, identification=0xFFFE,
    )  # fmt: skip
    header = VirtioNetHeader(NEEDS_CSUM, GSO_TCPV4 if ends is V4 else GSO_TCPV6, 0, 1000, at, 16)
    expected = [
        tcp_segment(
            *ends,
            payload[i * 1000 : (i + 1) * 1000],
            sequence=0xFFFFFC00 + i * 1000,
            flags=ACK | PSH | FIN if i == 3 else ACK,
            options=options,
            identification=(0xFFFE + i) & 0xFFFF,
        )
        for i in range(4)
    ]
    assert cut(header, packet) == expected


def test_congestion_window_reduced_is_told_once() -> None:
    packet = tcp_segment(*V4, bytes(2500), flags=ACK | CWR, partial_checksum=True)
    header = VirtioNetHeader(NEEDS_CSUM, GSO_TCPV4 | GSO_ECN, 0, 1000, 20, 16)
    assert [segment[33] for segment in cut(header, packet)] == [ACK | CWR, ACK, ACK]


@families
def test_a_udp_super_packet_is_cut_into_datagrams(ends: tuple[str, str]) -> None:
    payload = os.urandom(2700)
    packet = udp_datagram(*ends, payload)
    header = VirtioNetHeader(NEEDS_CSUM, GSO_UDP_L4, 0, 1200, transport_at(ends), 6)
    assert cut(header, packet) == [
        udp_datagram(*ends, payload[start : start + 1200], identification=0x1234 + i)
        for i, start in enumerate((0, 1200, 2400))
    ]


@families
def test_a_checksum_left_to_the_device_is_completed(ends: tuple[str, str]) -> None:
    packet = tcp_segment(*ends, b"odd length.", partial_checksum=True)
    header = VirtioNetHeader(NEEDS_CSUM, 0, 0, 0, transport_at(ends), 16)
    assert cut(header, packet) == [tcp_segment(*ends, b"odd length.")]


def test_a_udp_checksum_of_zero_is_sent_as_all_ones() -> None:
    for word in range(0x10000):
        packet = bytearray(udp_datagram(*V4, struct.pack("!H", word)))
        if packet[26:28] == b"\xff\xff":
            break
    packet[26:28] = b"\0\0"
    pseudo = struct.pack("!I", sum(struct.unpack("!4H", packet[12:20])) + 17 + 10)
    packet[26:28] = struct.pack("!H", sum(struct.unpack("!2H", pseudo)))
    header = VirtioNetHeader(NEEDS_CSUM, 0, 0, 0, 20, 6)
    assert cut(header, bytes(packet))[0][26:28] == b"\xff\xff"


def test_a_packet_without_offload_passes_as_it_is() -> None:
    packet = tcp_segment(*V4, b"abc")
    assert cut(PLAIN, packet) == [packet]


@given(
    st.builds(
        VirtioNetHeader,
        st.integers(0, 255),
        st.sampled_from([0, 1, 3, 4, 5, 0x81, 0x84, 77]),
        st.integers(0, 65535),
        st.integers(0, 65535) | st.integers(0, 100),
        st.integers(0, 65535) | st.integers(0, 100),
        st.integers(0, 65535) | st.sampled_from([6, 16]),
    ),
    st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"\x45" + tail),
)
def test_no_header_and_packet_do_more_than_be_refused(
    header: VirtioNetHeader, packet: bytes
) -> None:
    with contextlib.suppress(MalformedPacketError):
        cut(header, packet)


# -- joining ---------------------------------------------------------------------------


@families
@pytest.mark.parametrize("options", [b"", TIMESTAMPS], ids=["bare", "timestamps"])
def test_what_was_cut_is_joined_again_to_the_same_super_packet(
    ends: tuple[str, str], options: bytes
) -> None:
    payload = os.urandom(1000 * 40 + 13)
    packet = tcp_segment(
        *ends, payload, flags=ACK | PSH, options=options, partial_checksum=True, sequence=2**32 - 9
    )
    gso_type = GSO_TCPV4 if ends is V4 else GSO_TCPV6
    at = transport_at(ends)
    segments = cut(VirtioNetHeader(NEEDS_CSUM, gso_type, 0, 1000, at, 16), packet)
    runs = joined(segments)
    assert len(runs) == 1
    header, parts = join(runs[0])
    assert whole(parts) == packet
    assert header == VirtioNetHeader(NEEDS_CSUM, gso_type, at + 20 + len(options), 1000, at, 16)


@families
def test_datagrams_of_one_flow_are_joined_and_cut_to_the_same_again(ends: tuple[str, str]) -> None:
    datagrams = [
        udp_datagram(*ends, os.urandom(size), identification=(0x1234 + i) & 0xFFFF)
        for i, size in enumerate([1200] * 5 + [7])
    ]
    (run,) = joined(datagrams)
    header, parts = join(run)
    assert header.gso_type == GSO_UDP_L4
    assert header.gso_size == 1200
    assert cut(header, whole(parts)) == datagrams


def stream(count: int, size: int = 100, **changes: object) -> list[bytes]:
    return [
        tcp_segment(*V4, bytes([i]) * size, sequence=i * size, identification=i)
        for i in range(count)
    ]


def join(run: list[bytes]) -> tuple[VirtioNetHeader, Sequence[Buffer]]:
    """Join a run of packets, whose headers are of one length."""
    first = run[0]
    at = 20 if first[0] >> 4 == 4 else 40
    is_tcp = first[9 if at == 20 else 6] == 6
    payload_at = at + (first[at + 12] >> 4) * 4 if is_tcp else at + 8
    return join_payloads(run, [packet[payload_at:] for packet in run])


def lengths(runs: list[list[bytes]]) -> list[int]:
    return [len(run) for run in runs]


def test_another_flow_between_ends_the_run_and_the_order_stays() -> None:
    one = stream(4)
    other = tcp_segment(*V4, b"x" * 100, ports=(1, 2), sequence=0)
    packets = [*one[:2], other, *one[2:]]
    runs = joined(packets)
    assert lengths(runs) == [2, 1, 2]
    assert list(itertools.chain(*runs)) == packets


def test_a_gap_in_the_sequence_ends_the_run() -> None:
    one = stream(4)
    assert lengths(joined([one[0], one[1], one[3]])) == [2, 1]


def test_a_push_flag_ends_the_run_and_is_kept() -> None:
    packets = [
        tcp_segment(*V4, b"a" * 100, sequence=0),
        tcp_segment(*V4, b"b" * 100, sequence=100, flags=ACK | PSH),
        tcp_segment(*V4, b"c" * 100, sequence=200),
    ]
    runs = joined(packets)
    assert lengths(runs) == [2, 1]
    assert whole(join(runs[0])[1])[33] == ACK | PSH


def test_a_shorter_segment_is_the_last_of_its_run() -> None:
    packets = [
        tcp_segment(*V4, b"a" * 100, sequence=0),
        tcp_segment(*V4, b"b" * 50, sequence=100),
        tcp_segment(*V4, b"c" * 50, sequence=150),
    ]
    assert lengths(joined(packets)) == [2, 1]


def test_a_longer_segment_starts_anew() -> None:
    packets = [
        tcp_segment(*V4, b"a" * 100, sequence=0),
        tcp_segment(*V4, b"b" * 101, sequence=100),
    ]
    assert lengths(joined(packets)) == [1, 1]


@pytest.mark.parametrize("flags", [SYN, SYN | ACK, ACK | FIN, ACK | 0x04, ACK | 0x20, ACK | 0x40])
def test_a_segment_with_any_other_flag_travels_alone(flags: int) -> None:
    packets = [
        tcp_segment(*V4, b"a" * 100, sequence=0),
        tcp_segment(*V4, b"b" * 100, sequence=100, flags=flags),
    ]
    assert lengths(joined(packets)) == [1, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"acknowledgement": 78},
        {"window": 513},
        {"options": TIMESTAMPS},
        {"ports": (5201, 40001)},
        {"dont_fragment": False},
    ],
    ids=str,
)
def test_segments_that_differ_in_their_headers_are_not_joined(change: dict[str, object]) -> None:
    first = tcp_segment(*V4, b"a" * 100, sequence=0)
    second = tcp_segment(*V4, b"b" * 100, sequence=100, **change)  # type: ignore[arg-type]
    assert lengths(joined([first, second])) == [1, 1]


def test_segments_with_another_type_of_service_are_not_joined() -> None:
    first, second = stream(2)
    marked = ip_packet(*V4, 6, second[20:], tos=3)
    assert lengths(joined([first, marked])) == [1, 1]


def test_acknowledgements_without_content_travel_alone() -> None:
    acknowledgements = [tcp_segment(*V4, b""), tcp_segment(*V4, b"")]
    assert lengths(joined(acknowledgements)) == [1, 1]


def test_fragments_travel_alone() -> None:
    first, second = stream(2)
    more_fragments = bytearray(second)
    more_fragments[6] = 0x20
    assert lengths(joined([first, bytes(more_fragments)])) == [1, 1]


def test_identifications_that_count_on_are_joined_where_fragmenting_is_allowed() -> None:
    packets = [
        tcp_segment(
            *V4, b"a" * 100, sequence=i * 100, dont_fragment=False, identification=identification
        )
        for i, identification in enumerate((7, 8, 8))
    ]
    assert lengths(joined(packets)) == [2, 1]


def test_a_super_packet_stays_within_64_kib() -> None:
    runs = joined(stream(70, size=1000))
    assert lengths(runs) == [65, 5]
    header, parts = join(runs[0])
    assert len(whole(parts)) <= 65535
    assert header.gso_size == 1000


def test_a_run_has_no_more_parts_than_one_write_takes() -> None:
    datagrams = [udp_datagram(*V4, b"tiny", identification=n & 0xFFFF) for n in range(600)]
    assert lengths(joined(datagrams)) == [512, 88]


@families
@pytest.mark.parametrize("kind", [GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4])
def test_a_super_packet_without_content_is_refused(ends: tuple[str, str], kind: int) -> None:
    empty = tcp_segment(*ends, b"") if kind != GSO_UDP_L4 else udp_datagram(*ends, b"")
    header = VirtioNetHeader(NEEDS_CSUM, kind, 0, 1000, transport_at(ends), 16)
    with pytest.raises(MalformedPacketError):
        cut(header, empty)


def test_nothing_is_joined_that_the_device_does_not_take() -> None:
    assert lengths(joined(stream(3), tcp=False)) == [1, 1, 1]
    datagrams = [udp_datagram(*V4, b"x" * 10) for _ in range(3)]
    assert lengths(joined(datagrams, udp=False)) == [1, 1, 1]


def test_a_datagram_without_checksum_travels_alone() -> None:
    bare = bytearray(udp_datagram(*V4, b"x" * 10))
    bare[26:28] = b"\0\0"
    assert lengths(joined([bytes(bare), bytes(bare)])) == [1, 1]


@given(st.lists(st.binary(min_size=20, max_size=120), max_size=8))
def test_whatever_comes_in_goes_out_once_and_in_order(packets: list[bytes]) -> None:
    sound = [packet[: inner_length(packet)] for packet in packets if inner_length(packet)]
    assert list(itertools.chain(*joined(sound))) == sound


# -- the length of an inner packet --------------------------------------------------------


@given(st.binary(max_size=80))
def test_the_inner_length_is_never_more_than_there_is(packet: bytes) -> None:
    assert 0 <= inner_length(packet) <= len(packet)


@families
def test_padding_is_not_part_of_a_packet(ends: tuple[str, str]) -> None:
    packet = udp_datagram(*ends, b"12345")
    assert inner_length(packet + bytes(11)) == len(packet)


@families
def test_a_packet_shorter_than_its_header_says_is_none(ends: tuple[str, str]) -> None:
    packet = udp_datagram(*ends, b"12345")
    assert inner_length(packet[:-1]) == 0


@pytest.mark.parametrize("version", [0, 1, 2, 3, 5, 7, 15])
def test_other_versions_are_no_packets(version: int) -> None:
    assert inner_length(bytes([version << 4 | 5]) + bytes(63)) == 0
