"""When cookies are called for."""

from __future__ import annotations

from netstart_wg.protocol.load import LoadGauge

SECOND = 1_000_000_000


def answers(gauge: LoadGauge, start_ns: int, count: int) -> list[bool]:
    """What the gauge says of handshake messages a microsecond apart."""
    return [gauge.is_under_load(start_ns + 1_000 * number) for number in range(count)]


def test_the_five_hundred_and_twelfth_message_within_a_second_is_under_load() -> None:
    assert answers(LoadGauge(), 5 * SECOND, 513) == [False] * 511 + [True] * 2


def test_as_many_in_two_seconds_are_no_load() -> None:
    gauge = LoadGauge()
    assert not any(answers(gauge, 5 * SECOND, 511))
    assert not any(answers(gauge, 6 * SECOND, 511))


def test_load_lasts_for_a_second_after_the_last_message_that_was_too_many() -> None:
    gauge = LoadGauge()
    last = 5 * SECOND + 511 * 1_000
    assert answers(gauge, 5 * SECOND, 512)[-1]
    assert gauge.is_under_load(last + SECOND - 1)
    assert not gauge.is_under_load(last + SECOND)
