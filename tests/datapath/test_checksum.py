"""The Internet checksum against a loop over words, and RFC 1071's own example."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.datapath.checksum import complement, words_sum


def sum_by_the_book(data: bytes) -> int:
    """RFC 1071 §4.1, one word at a time, in network order."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(word for (word,) in struct.iter_unpack("!H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_the_example_of_rfc_1071_section_3() -> None:
    data = bytes.fromhex("0001f203f4f5f6f7")
    assert sum_by_the_book(data) == 0xDDF2
    assert words_sum(data) == int.from_bytes(bytes.fromhex("ddf2"), "little")


@given(st.binary(max_size=3000))
def test_the_stored_complement_makes_any_data_sum_to_zero(data: bytes) -> None:
    if len(data) % 2:
        data += b"\0"
    stored = complement(words_sum(data))
    assert sum_by_the_book(data + stored) in (0, 0xFFFF)


@given(st.binary(max_size=70000))
def test_it_agrees_with_the_loop_over_words(data: bytes) -> None:
    expected = sum_by_the_book(data)
    ours = words_sum(data)
    assert ours % 65535 == ((expected & 0xFF) << 8 | expected >> 8) % 65535
