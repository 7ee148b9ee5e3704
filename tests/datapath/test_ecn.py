"""ECN through the tunnel, against the table of RFC 6040."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.datapath.ecn import TOLD_INNER, decapsulate, ecn_of
from tests.datapath.packets import ip_packet

V4 = ("10.0.0.1", "10.0.0.2")
V6 = ("fd00::1", "fd00::2")
families = pytest.mark.parametrize("ends", [V4, V6], ids=["IPv4", "IPv6"])

NOT, ECT0, ECT1, CE = 0b00, 0b10, 0b01, 0b11
DROP = None
# RFC 6040 §4.2, figure 4, typed off: rows are the inner header that arrives,
# columns the outer one, Not-ECT, ECT(0), ECT(1), CE
FIGURE_4 = {
    NOT: (NOT, NOT, NOT, DROP),
    ECT0: (ECT0, ECT0, ECT1, CE),
    ECT1: (ECT1, ECT1, ECT1, CE),
    CE: (CE, CE, CE, CE),
}
COMBINATIONS = [
    (inner, outer, result)
    for inner, results in FIGURE_4.items()
    for outer, result in zip((NOT, ECT0, ECT1, CE), results, strict=True)
]


def packet(ends: tuple[str, str], traffic_class: int, content: bytes = b"content") -> bytes:
    return ip_packet(*ends, 17, content, tos=traffic_class)


@families
@pytest.mark.parametrize(("inner", "outer", "result"), COMBINATIONS)
def test_outer_and_inner_are_combined_as_the_rfc_says(
    ends: tuple[str, str], inner: int, outer: int, result: int | None
) -> None:
    dscp = 0b101110 << 2
    expected = None if result is None else packet(ends, dscp | result)
    assert decapsulate(packet(ends, dscp | inner), outer) == expected


def test_what_need_not_be_told_the_inner_packet_would_change_nothing() -> None:
    assert {outer for inner, outer, result in COMBINATIONS if result != inner} == TOLD_INNER


@families
@given(st.integers(0, 255))
def test_the_codepoint_is_read_without_the_dscp(ends: tuple[str, str], traffic_class: int) -> None:
    assert ecn_of(packet(ends, traffic_class)) == traffic_class & 3


@given(
    st.integers(0, 63),
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=4, max_size=4),
    st.integers(0, 0xFFFF),
)
def test_the_header_checksum_is_what_one_made_anew_would_be(
    dscp: int, source: bytes, destination: bytes, identification: int
) -> None:
    before, after = (
        ip_packet(
            ".".join(map(str, source)),
            ".".join(map(str, destination)),
            6,
            b"",
            tos=dscp << 2 | ecn,
            identification=identification,
        )
        for ecn in (ECT0, CE)
    )
    assert decapsulate(before, CE) == after


@given(st.integers(0, 0xFFFF))
def test_a_damaged_header_stays_damaged(checksum: int) -> None:
    sound = packet(V4, ECT0)
    (right,) = struct.unpack_from("!H", sound, 10)
    combined = decapsulate(sound[:10] + struct.pack("!H", checksum) + sound[12:], CE)
    is_right = combined == packet(V4, CE)
    assert is_right == (checksum == right)


def test_the_flow_label_beside_the_traffic_class_stays() -> None:
    head = struct.pack("!IHBB", 6 << 28 | ECT1 << 20 | 0xFEDCB, 0, 59, 64) + bytes(range(32))
    combined = decapsulate(head, CE)
    assert combined is not None
    assert combined[:4] == struct.pack("!I", 6 << 28 | CE << 20 | 0xFEDCB)
    assert combined[4:] == head[4:]
