"""Word of a wall clock that was set; the machine's own is never touched."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from netstart_wg.engine.clock_steps import ClockSteps
from netstart_wg.model.now import Now

SECOND = 1_000_000_000
START = Now(boottime_ns=100 * SECOND, realtime_ns=1_700_000_000 * SECOND)


@pytest.fixture
def steps() -> Iterator[ClockSteps]:
    with closing(ClockSteps(START)) as each:
        yield each


def later(moment: Now, seconds: int, *, set_by: int = 0) -> Now:
    boottime_ns = moment.boottime_ns + seconds * SECOND
    return Now(boottime_ns, moment.realtime_ns + (seconds + set_by) * SECOND)


def test_the_kernel_will_tell_when_the_clock_is_set(steps: ClockSteps) -> None:
    # Linux, fs/timerfd.c: TFD_TIMER_ABSTIME is 1, TFD_TIMER_CANCEL_ON_SET 2
    information = Path(f"/proc/self/fdinfo/{steps.descriptor}").read_text()
    assert "clockid: 0\n" in information
    assert "settime flags: 03\n" in information
    assert select.select([steps.descriptor], [], [], 0)[0] == []


def test_a_step_is_told_once_by_how_much_it_was(steps: ClockSteps) -> None:
    ahead = later(START, 7, set_by=3600)
    assert steps.take(ahead) == 3600 * SECOND
    assert steps.take(later(ahead, 7)) == 0
    assert steps.take(later(ahead, 9, set_by=-86400)) == -86400 * SECOND


def test_a_night_in_suspension_is_no_step(steps: ClockSteps) -> None:
    assert steps.take(later(START, 8 * 3600)) == 0
