"""TAI64N timestamps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.protocol.tai64n import STEP_NS, is_newer, timestamp

DATES = st.integers(0, 2**34 * 10**9)
STEP = 2**24


def test_the_epoch_is_where_wireguard_go_has_it() -> None:
    # tai64n/tai64n.go: base 0x400000000000000a, seconds then nanoseconds, big-endian.
    assert timestamp(0).hex() == "400000000000000a00000000"


def test_a_date_is_seconds_and_whitened_nanoseconds_big_endian() -> None:
    # 1,700,000,000 s = 0x6553f100; 999,999,999 ns = 0x3b9ac9ff.
    assert timestamp(1_700_000_000_999_999_999).hex() == "400000006553f10a3b000000"


def test_dates_within_one_step_look_the_same() -> None:
    assert timestamp(STEP) == timestamp(2 * STEP - 1)
    assert timestamp(STEP) != timestamp(2 * STEP)


def test_equal_timestamps_are_not_newer() -> None:
    assert not is_newer(timestamp(STEP), timestamp(STEP))


@given(date=DATES)
def test_initiations_at_the_greatest_rate_are_told_apart(date: int) -> None:
    assert is_newer(timestamp(date + 10**9 // 50), timestamp(date))


@given(date=DATES)
def test_one_step_later_is_newer_across_the_end_of_a_second_too(date: int) -> None:
    assert is_newer(timestamp(date + STEP_NS), timestamp(date))


@given(date=DATES, other=DATES)
def test_a_timestamp_is_never_newer_than_that_of_a_later_date(date: int, other: int) -> None:
    earlier, later = sorted((date, other))
    assert len(timestamp(date)) == 12
    assert not is_newer(timestamp(earlier), timestamp(later))


@given(date=DATES)
def test_any_date_is_newer_than_twelve_zeros(date: int) -> None:
    assert is_newer(timestamp(date), bytes(12))
