from __future__ import annotations

import select

from netstart_wg.system.boot_timer import BootTimer, boot_time_ns


def is_due(timer: BootTimer, patience_milliseconds: int = 0) -> bool:
    return bool(select.select([timer], [], [], patience_milliseconds / 1000)[0])


def test_it_is_due_at_its_boot_time_and_not_before() -> None:
    with BootTimer() as timer:
        assert not is_due(timer)
        timer.set(boot_time_ns() + 3600 * 10**9)
        assert not is_due(timer)
        deadline = boot_time_ns() + 50_000_000
        timer.set(deadline)
        assert is_due(timer, 10_000)
        assert boot_time_ns() >= deadline


def test_a_time_that_has_passed_is_due_at_once() -> None:
    with BootTimer() as timer:
        for past in (boot_time_ns() - 1, 0, -5):
            timer.set(past)
            assert is_due(timer, 10_000)


def test_another_time_takes_the_place_of_the_first() -> None:
    with BootTimer() as timer:
        timer.set(1)
        assert is_due(timer, 10_000)
        timer.set(boot_time_ns() + 3600 * 10**9)
        assert not is_due(timer)
